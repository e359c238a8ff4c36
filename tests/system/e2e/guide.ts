/** The guide's way from a stuck Pod to a healed node, command by command, on the lab. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";

import { clusterUp, type LabInfo } from "../../../lab/cluster";
import { TREE } from "../../../lab/cluster/layout";
import { trustRegistryInEngine } from "../../../lab/cluster/registry";
import { showFailure } from "../../../lab/failure";
import { kubectl, until } from "../../../lab/kubectl";
import { lineLog } from "../../../lab/log";
import { turnRegistryOff } from "../../../lab/noRegistry";
import { beforeDayTwo, dayTwo } from "./dayTwo";
import { differences, snapshots } from "./nodes";
import { Person, type Ran, stepsOf, waiting } from "./person";

const FILE = "stacks/Pulumi.own.yaml";

/** What a line of the guide has to show, by how it begins, and where its words leave it out. */
interface Expected {
  readonly step: number;
  readonly line: RegExp;
  readonly shows?: RegExp;
  readonly status?: number;
  readonly leftOut?: (person: Person) => boolean;
  /** What has to have happened before, by itself. */
  readonly after?: (lab: LabInfo) => Promise<unknown>;
}

/** What each line of a section shows, and what the lab is for it. */
interface Section {
  readonly heading: string;
  readonly expected: readonly Expected[];
  /** No registry answers. */
  readonly alone?: boolean;
}

/** The key to log in with: left out where the doctor named its file. */
const LOGS_IN: Omit<Expected, "step"> = {
  line: /set --secret sshPrivateKey </,
  leftOut: (person) => person.read(FILE).includes("sshPrivateKeyFile"),
};

/** The doctor in the end. */
const WELL: Omit<Expected, "step"> = {
  line: /doctor/,
  shows: /all is well/,
  after: (lab) =>
    until("the stuck Pods to start", 120, async () => ((await waiting(lab)).length === 0 ? true : undefined)),
};

const EXPECTED: readonly Expected[] = [
  { step: 1, line: /^kubectl get events/, shows: /failed to (get sandbox|pull) image ".*pause.*x509/ },
  {
    step: 1,
    line: /^kubectl get pods/,
    shows: /stuck-node-1 .*\n.*stuck-node-2 /,
    // The event comes before the status.
    after: (lab) => until("the Pods to wait", 60, async () => ((await waiting(lab)).length === 2 ? true : undefined)),
  },
  { step: 2, line: /^ssh-keyscan/ },
  { step: 3, line: /doctor/, status: 1, shows: /PS-D001/ },
  { step: 4, line: /--fix-config/, status: 1 },
  ...[/^mkdir /, /^cp /, /^cat /, /^export SSL_CERT_FILE=/].map((line) => ({ step: 5, line })),
  { step: 6, line: /^pulumi login/ },
  { step: 6, line: /^pulumi stack init/ },
  { step: 6, ...LOGS_IN },
  // The lab's registry has no login.
  { step: 6, line: /set registryUsername/, leftOut: () => true },
  { step: 6, line: /set --secret registryPassword/, leftOut: () => true },
  { step: 7, line: /set registryCa/, leftOut: (person) => person.read(FILE).includes("-----BEGIN CERTIFICATE") },
  { step: 7, line: /^pulumi config$/, shows: /registryCa/ },
  { step: 7, line: /openssl/, shows: /Fingerprint=/ },
  { step: 8, line: /set dryRun/ },
  { step: 8, line: /^pulumi up/, shows: /would/ },
  { step: 8, line: /rm dryRun/ },
  { step: 9, line: /^pulumi up/, shows: /2 of 2 nodes done/ },
  { step: 10, ...WELL },
  // grep finds none.
  { step: 10, line: /^kubectl get pods/, status: 1, shows: /ContainerCreating\n$/ },
  { step: 10, line: /output nodes/, shows: /total.*2/ },
];

const ALONE: readonly Expected[] = [
  {
    step: 1,
    line: /^kubectl get events/,
    shows: /failed to (get sandbox|pull) image ".*pause.*(no route to host|timeout)/,
  },
  { step: 2, line: /^ssh-keyscan/ },
  { step: 3, line: /--fix-config/, status: 1 },
  { step: 4, line: /^pulumi login/ },
  { step: 4, line: /^pulumi stack init/ },
  { step: 4, ...LOGS_IN },
  { step: 5, line: /^pulumi preview/, shows: /sha256:[0-9a-f]{64}/ },
  { step: 5, line: /^pulumi up/, shows: /2 of 2 nodes done/ },
  { step: 6, ...WELL },
  { step: 6, line: /output digest/, shows: /sha256:[0-9a-f]{64}/ },
];

/** Declares the tests. The lab is as it was made: nobody has healed it. */
export function theGuide(labNow: () => LabInfo): void {
  followed(labNow, { heading: "From a stuck Pod to a healed node", expected: EXPECTED }, (person) => {
    joining(person);
    dayTwo(() => ({ person: person(), lab: labNow() }));
  });
  followed(labNow, { heading: "Without a registry", expected: ALONE, alone: true });
}

function followed(
  labNow: () => LabInfo,
  { heading, expected: shown, alone = false }: Section,
  more?: (person: () => Person) => void,
): void {
  describe(`the guide's "${heading}", followed by somebody with a fresh checkout and nothing else`, () => {
    const page = fs.readFileSync(path.join(TREE, "docs/guide.md"), "utf8");
    let person: Person;
    let untouched: Map<string, string[]>;
    let given = false;

    before(async () => {
      const lab = labNow();
      untouched = await snapshots(lab);
      if (alone) await turnRegistryOff(lab, lineLog());
      else await beforeDayTwo(lab);
      await showFailure(lab);
      person = await Person.arrive(lab);
    });
    after(async () => {
      // Where a step failed, the suites after this one would find what it left.
      if (!given) await person.type("pulumi destroy");
      await kubectl(labNow(), ["delete", "pods", "--all", "--wait", "--timeout=120s"]);
      person.leave();
      await trustRegistryInEngine(fs.readFileSync(labNow().registry.caFile, "utf8"));
      if (alone) await clusterUp(lineLog());
    });

    for (const [index, { commands, text }] of stepsOf(page, heading).entries()) {
      const number = index + 1;
      const expected = shown.filter(({ step }) => step === number);
      it(`${number}. ${/\*\*(.+?)\*\*/.exec(text)?.[1] ?? text}`, async () => {
        assert.equal(commands.length, expected.length, commands.join("\n"));
        for (const [at, { line, shows = /(?:)/, status = 0, leftOut, after: wait }] of expected.entries()) {
          const command = commands[at] ?? "";
          assert.match(command, line);
          if (leftOut?.(person) === true) continue;
          await wait?.(labNow());
          const ran: Ran = await person.type(command);
          assert.equal(ran.status, status, `${command}\n${ran.seen}`);
          assert.match(`${command}\n${ran.seen}`, shows);
        }
      });
    }

    more?.(() => person);

    it("and back: every node is as it was before the first command", async () => {
      const { status, seen } = await person.type("pulumi destroy");
      assert.equal(status, 0, seen);
      given = true;
      assert.deepEqual(differences(untouched, await snapshots(labNow())), []);
    });
  });
}

function joining(person: () => Person): void {
  it("joining.md's commands print what EC2, Cluster API and Ignition take, without a program of one's own", async () => {
    const page = fs.readFileSync(path.join(TREE, "docs/joining.md"), "utf8");
    const section = page.split("\n## Without a program of yours\n")[1]?.split("\n## ")[0] ?? "";
    const seen: string[] = [];
    for (const [, command = ""] of section.matchAll(/^ *(npx .+)$/gm)) {
      const ran = await person().type(command);
      assert.equal(ran.status, 0, `${command}\n${ran.seen}`);
      // Whoever runs an older or newer npm, or has settings of their own, reads its remarks too.
      seen.push(ran.seen.replace(/^npm (?:warn|notice).*\n/gm, ""));
    }
    const [program, userData] = [person().read("pause"), person().read("user-data.sh")];
    assert.ok(userData.length < 16 * 1024, `${userData.length} bytes of user data`);
    assert.ok(userData.includes(createHash("sha256").update(program).digest("hex")), "user data checks the program");
    const fields = parse(seen[2] ?? "") as Record<string, object[]>;
    assert.deepEqual(Object.keys(fields), ["files", "preKubeadmCommands"]);
    for (const name of Object.keys(fields)) assert.ok(section.includes(`\`${name}\``), name);
    const { ignition } = JSON.parse(person().read("pause.ign")) as { ignition: { version: string } };
    assert.match(ignition.version, /^3\./);
  });
}
