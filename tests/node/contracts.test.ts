/** What an auditor relies on when reading node/*.sh: that lint sees everything, and that the comment over a function is true. */
import { strict as assert } from "node:assert";

import {
  assigned,
  codesOf,
  functions,
  redirectedTo,
  runs,
  sharedVariables,
  type ShellFunction,
  textOf,
  withoutQuoted,
} from "./functions";
import { parts } from "../../components/node/program";
import { findings } from "../lintNode";

const all = functions();

/** Commands that change a disk; and those that ask or change a service or the runtime, whose contract says what. */
const disk = ["cp", "mv", "rm", "ln", "rmdir", "mkdir", "chmod", "mktemp", "sync"];
const service = [
  "systemctl",
  "is_active",
  "shown",
  "crictl",
  "cri",
  "docker",
  "ctr",
  "containerd_ctr",
  "restart",
  "manage",
];

/** The text of each clause of a contract that begins with the verb, up to the end of its sentence. */
const clauses = ({ comment }: ShellFunction, verb: string): string =>
  [...comment.matchAll(new RegExp(`\\b${verb} (.*?)(?=[.;](?: |$)|$)`, "g"))].map(([, one = ""]) => one).join(" ");

/** The functions for which something does not hold, with what it is. */
function failing(check: (one: ShellFunction) => string | undefined): string[] {
  return all.flatMap((one) => {
    const why = check(one);
    return why === undefined ? [] : [`${one.part} ${one.name}: ${why}`];
  });
}

describe("lint of node/*.sh", () => {
  it("a part has no exception for the whole file, and a line's exception says why", () => {
    for (const part of parts) {
      const [first = "", ...rest] = textOf(part).split("\n");
      assert.equal(first, "# shellcheck shell=sh", part);
      const head = rest.slice(
        0,
        rest.findIndex((line) => line !== "" && !line.startsWith("#")),
      );
      assert.deepEqual(
        head.filter((line) => line.startsWith("# shellcheck") && parts[0] === part),
        [],
        part,
      );
      for (const line of rest)
        if (line.includes("# shellcheck")) assert.match(line, /^ *# shellcheck disable=SC\d+(,SC\d+)* # \S/, part);
    }
  });

  it("lint refuses a variable that no part sets, and one that no part reads", function () {
    this.timeout(60_000);
    assert.match(findings('try_it() { printf %s "$nobody_sets"; }').join("\n"), /nobody_sets .*\[SC2154\]$/);
    assert.match(findings("try_it() { nobody_reads=1; }").join("\n"), /nobody_reads .*\[SC2034\]$/);
  });
});

describe("contracts in node/*.sh", () => {
  it("no other part needs `plan`, which only a dry run has", () => {
    const [plan, others] = [true, false].map((is) => all.filter(({ part }) => (part === "plan") === is));
    const names = (plan ?? []).map(({ name }) => name);
    const calls = failing((one) => {
      const called = others?.includes(one) && names.filter((name) => runs(one, [name]));
      return called && called.length > 0 ? `calls ${called.join()}` : undefined;
    });
    assert.deepEqual(calls, []);
    assert.ok(names.includes("plan"));
  });

  it("a function that writes to a disk says so, and names the files that it redirects to", () => {
    const wrong = failing((one) => {
      const targets = redirectedTo(one);
      const written = clauses(one, "[Ww]rites");
      if (written === "") return runs(one, disk) || targets.length > 0 ? "writes, and has no `Writes`" : undefined;
      const missing = targets.filter(
        (target) => !/^\$(file|probe|read_file)$/.test(target) && !written.includes(target),
      );
      return missing.length > 0 ? `does not name ${missing.join(", ")}` : undefined;
    });
    assert.deepEqual(wrong, []);
  });

  it("a function that asks or changes a service or the runtime says which of them it does", () => {
    const wrong = failing((one) =>
      runs(one, service) && !/\b(Reads|Changes|Restarts|restarts)\b/.test(one.comment) ? "has no contract" : undefined,
    );
    assert.deepEqual(wrong, []);
  });

  it("a function names the failures that it dies with, and no others", () => {
    const wrong = failing((one) => {
      const named = [...clauses(one, "[Dd]ies with").matchAll(/PS-N(\d{3})/g)].map(([, code = ""]) => code).sort();
      const codes = codesOf(one);
      return named.join() === codes.join() ? undefined : `dies with ${codes.join()}, and says ${named.join()}`;
    });
    assert.deepEqual(wrong, []);
  });

  it("a function names the variables that it sets for others, and none that it does not assign", () => {
    const shared = sharedVariables(all);
    const wrong = failing((one) => {
      const named = [...clauses(one, "[Ss]ets").matchAll(/\$([a-z_0-9]+)/g)].map(([, name = ""]) => name);
      const sets = assigned(one);
      const missing = [...sets].filter((name) => shared.has(name) && !named.includes(name));
      const extra = named.filter((name) => !sets.has(name));
      return missing.length + extra.length > 0 ? `sets ${missing.join()} too, and not ${extra.join()}` : undefined;
    });
    assert.deepEqual(wrong, []);
  });

  it("a function that edits the kubelet's flag shows an example", () => {
    const wrong = failing((one) =>
      (one.part === "lib/flag" || /\bFLAG=\$flag\b/.test(one.body)) && one.examples.length === 0 ? "none" : undefined,
    );
    assert.deepEqual(wrong, []);
  });
});

describe("the shell of node/*.sh", () => {
  /** Each line of code, for a message, and the same without quoted text. */
  const lines = parts.flatMap((part) =>
    withoutQuoted(textOf(part))
      .split("\n")
      .map((line) => `${part}: ${line.trim()}`),
  );

  it("no command is negated before an or, which reads as its opposite", () => {
    assert.deepEqual(
      lines.filter((line) => /(?<!\[)[\s({;]! [^|;]*\|\|/.test(line)),
      [],
    );
  });

  it("no program that may hang is started without a limit", () => {
    const programs = String.raw`crictl|ctr|k3s|docker|systemctl (?:restart|reload|start|stop|daemon-reload)|"\$(?:containerd|crio|k3s|cri_dockerd|program)"`;
    const bare = new RegExp(String.raw`(?:^\S+: |[;&|({!]\s*|\b(?:then|else|do|if) )(?:${programs})(?= |$)`);
    assert.deepEqual(
      lines.filter((line) => bare.test(line) && !/command -v|die \d/.test(line)),
      [],
    );
  });

  it("no case tests two values that are glued into one word", () => {
    const glued = lines.filter((line) => {
      const word = /\bcase (.*?) in\b/.exec(line)?.[1] ?? "";
      const flat = word.replace(/\$\((?:[^()]|\([^()]*\))*\)/g, "$x").replace(/\$\{[^}]*\}/g, "$x");
      return flat.split("$").length > 2;
    });
    assert.deepEqual(glued, []);
  });
});
