import { strict as assert } from "node:assert";

import { commandLine, type Verb } from "../../components/node/nodeCommand";
import {
  type NodeSettings,
  publicSettings,
  type Setting,
  stdinSettings,
  settingLines,
} from "../../components/node/nodeSettings";
import { type NodeInputs, whatChanges, whatComes } from "../../components/node/whatChanges";

const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const settings: NodeSettings = {
  node: "n",
  owner: "p/s/n",
  image: "r.example/pause:1",
  digest: `sha256:${"a".repeat(64)}`,
};

interface Case {
  verb?: Verb;
  script?: string;
  recheck?: number;
}

function inputs(
  changed: Partial<NodeSettings> = {},
  { verb = "apply", script = "a1", recheck = 0 }: Case = {},
): NodeInputs {
  const all = { ...settings, ...changed };
  const again: Setting[] = recheck === 0 ? [] : [["recheck", String(recheck)]];
  const file = `.pause-sandbox-0a0a0a0a-1b1b1b1b-${script}.sh`;
  const create = commandLine(verb, [...publicSettings(all), ...again], { user: "root", file });
  return { create, stdin: settingLines(stdinSettings(all)) };
}

describe("what a preview says of a node", () => {
  const login = { username: "puller", password: "hunter2" };
  const once = { ...login, keep: false };
  const b = `sha256:${"b".repeat(64)}`;
  const cases: [string, NodeInputs, NodeInputs, string][] = [
    [
      "another image",
      inputs(),
      inputs({ image: "r.example/pause:2", digest: b }),
      "image r.example/pause:1 → r.example/pause:2, digest sha256:aaaaaaaaaaaa… → sha256:bbbbbbbbbbbb…",
    ],
    [
      "another image whose digest is not known yet",
      inputs(),
      { ...inputs({ image: "r.example/pause:2" }), stdin: undefined },
      "image r.example/pause:1 → r.example/pause:2, digest not known yet",
    ],
    [
      "another certificate, by its fingerprint",
      inputs({ ca: pem("QUFB") }),
      inputs({ ca: pem("QkJC") }),
      "CA SHA-256 CB:1A:D2:11:9D:8F:AF:B6… → SHA-256 DC:DB:70:41:09:A4:54:78…",
    ],
    ["a first mirror", inputs(), inputs({ mirrors: ["https://m"] }), "mirrors none → https://m"],
    [
      "one mirror more",
      inputs({ mirrors: ["https://m"] }),
      inputs({ mirrors: ["https://m", "https://o"] }),
      "mirrors https://m → https://m and https://o",
    ],
    ["a login", inputs(), inputs({ login }), "a login"],
    ["another login", inputs({ login }), inputs({ login: { ...login, password: "other" } }), "another login"],
    ["no login any more", inputs({ login }), inputs(), "no login any more"],
    ["a login that does not stay", inputs(), inputs({ login: once }), "a login that does not stay on the node"],
    ["another of those", inputs({ login: once }), inputs({ login: { ...once, password: "other" } }), "another login"],
    [
      "a login that does not stay any more",
      inputs({ login }),
      inputs({ login: once }),
      "a login that does not stay on the node",
    ],
    ["a login that stays now", inputs({ login: once }), inputs({ login }), "a login that stays on the node"],
    ["plain HTTP", inputs(), inputs({ plainHttp: true }), "plain HTTP"],
    ["no flag", inputs(), inputs({ kubeletFlag: false }), "without the kubelet's flag"],
    ["another version of the script", inputs(), inputs({}, { script: "b2" }), "script a1 → b2"],
    ["another number of rechecks", inputs(), inputs({}, { recheck: 1 }), "looked at again"],
    [
      "a dry run of another image",
      inputs(),
      inputs({ image: "r.example/pause:2" }, { verb: "plan", script: "a1-with-plan" }),
      "image r.example/pause:1 → r.example/pause:2, only looked at (dry run)",
    ],
    [
      "the run after a dry run, whose settings it has",
      inputs({ ca: pem("QUFB") }, { verb: "plan", script: "a1-with-plan" }),
      inputs({ ca: pem("QUFB") }),
      "image r.example/pause:1, digest sha256:aaaaaaaaaaaa…, CA SHA-256 CB:1A:D2:11:9D:8F:AF:B6…; the last run only looked at the node",
    ],
    ["another log-in alone", inputs(), inputs(), "nothing changes on the node, only how it is reached"],
    ["a new owner", inputs(), inputs({ owner: "p/s/m" }), "managed by p/s/n → p/s/m"],
    ["a command that is not known yet", inputs(), { stdin: "" }, "will be changed; to what is not known yet"],
  ];
  for (const [what, before, now, words] of cases) {
    it(`is one line for ${what}`, () => {
      assert.equal(whatChanges(before, now), words);
    });
  }

  it("names the image that an old node leaves, whose settings stood on stdin", () => {
    const data = Buffer.from("node n\nowner p/s/n\nimage r.example/pause:0\n").toString("base64");
    const before = { create: "sh -s -- apply", stdin: `printf %s '${data}'|base64 -d|sh -c "$p" pause-sandbox "$@"` };
    assert.match(
      whatChanges(before, inputs()),
      /^image r\.example\/pause:0 → r\.example\/pause:1, .*script of 0\.1\.0 → a1$/,
    );
  });

  it("says of a new node what it will be", () => {
    assert.equal(
      whatComes(inputs({ ca: pem("QUFB"), mirrors: ["https://m"], login })),
      "image r.example/pause:1, digest sha256:aaaaaaaaaaaa…, CA SHA-256 CB:1A:D2:11:9D:8F:AF:B6…, mirrors https://m, a login",
    );
    assert.equal(whatComes({ ...inputs(), stdin: undefined }), "image r.example/pause:1, digest not known yet");
  });

  it("has no password, in whatever form", () => {
    for (const one of [login, once]) {
      const said = [whatComes(inputs({ login: one })), whatChanges(inputs(), inputs({ login: one }))].join("\n");
      assert.doesNotMatch(said, /hunter2|cHVsbGVy/);
    }
  });
});
