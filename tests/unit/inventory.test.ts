import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

import { hostsOfInventory, type InventoryHost } from "../../components/sources/inventory";

const folder = path.join(__dirname, "inventories");
const read = (name: string): string => fs.readFileSync(path.join(folder, name), "utf8");

/** Without the fields that are not there, by name; no Ansible lists hosts in another order than by group. */
function byName(hosts: readonly InventoryHost[]): unknown[] {
  return hosts
    .map((host) => ({ ...plain(host), groups: [...host.groups].filter((group) => group !== "ungrouped").sort() }))
    .sort((a, b) => (String((a as { name?: unknown }).name) < String((b as { name?: unknown }).name) ? -1 : 1));
}
const plain = (host: object): object => JSON.parse(JSON.stringify(host)) as object;

describe("hosts from an Ansible inventory", () => {
  // `ansible-inventory -i FILE --list`, ansible-core 2.19.14.
  for (const name of ["groups.ini", "groups.yaml", "dialect.ini", "dialect.yaml"]) {
    it(`of ${name} are those that Ansible itself finds, with the same variables`, () => {
      const own = hostsOfInventory(read(name));
      assert.ok(own.length > 5);
      assert.deepStrictEqual(byName(own), byName(hostsOfInventory(read(`${name}.json`))));
    });
  }

  it("come in the order in which they stand there", () => {
    const names = hostsOfInventory(read("groups.ini"), "workers").map(({ name }) => name);
    const databases = ["db-a.example.com", "db-b.example.com", "db-c.example.com"];
    assert.deepStrictEqual(names, ["w01", "w02", "w03", "w04", ...databases, "n0", "n4", "n8"]);
  });

  it("are refused by what stands in the place of a name", () => {
    const listing = (hosts: unknown): string => JSON.stringify({ _meta: { hostvars: {} }, all: { hosts } });
    const refused = /the inventory has \{"web1":null\} in a list of hosts or children; it must be a name/;
    assert.throws(() => hostsOfInventory(listing([{ web1: null }])), refused);
    assert.throws(() => hostsOfInventory(listing([{ toString: false }])), /has \{"toString":false\} in a list/);
  });

  const literals: [string, string, object][] = [
    ["a space behind a backslash, and a comment in a word", "a ansible_user=u\\ v#w", { user: "u v" }],
    ["a quote behind a backslash", 'a ansible_user="u\\"v"', { user: 'u"v' }],
    ["old and new names of a variable", "a ansible_host=new ansible_ssh_host=old", { host: "old" }],
    ["a single host as a text", "all:\n  hosts: a\n", {}],
  ];
  for (const [name, text, expected] of literals) {
    it(`have what Ansible makes of ${name}`, () => {
      const [host] = hostsOfInventory(text).map(plain);
      const groups = text.startsWith("all") ? ["all"] : ["all", "ungrouped"];
      assert.deepStrictEqual(host, { name: "a", host: "a", ...expected, groups });
    });
  }

  it("are those of the groups inside of a group too", () => {
    const names = hostsOfInventory(read("groups.yaml"), "cluster").map(({ name }) => name);
    assert.deepStrictEqual(names, ["cp-1.example.com", "cp-2.example.com", "w01", "w02", "w03"]);
  });

  const jumps: [string, string, object | undefined][] = [
    ["-J", "-J b", { host: "b" }],
    ["-J with user and port", "-Ju@b:2022", { host: "b", user: "u", port: 2022 }],
    ["an option", "-o ProxyJump=u@b", { host: "b", user: "u" }],
    ["an option in one word", "-oProxyJump=b", { host: "b" }],
    ["a URL", "-J ssh://u@b:22", { host: "b", user: "u", port: 22 }],
    ["an IPv6 address", "-J [fd00::1]:22", { host: "fd00::1", port: 22 }],
    ["an IPv6 address with its interface", "-J u@[fe80::1%%eth0]", { host: "fe80::1%eth0", user: "u" }],
    ["a ProxyCommand", "-o 'ProxyCommand=ssh -q -l u -p 2 -W %h:%p b'", { host: "b", user: "u", port: 2 }],
    ["none", "-o Compression=yes -o ProxyJump=none", undefined],
  ];
  for (const [name, args, jump] of jumps) {
    it(`have the jump host that comes as ${name}`, () => {
      const [host] = hostsOfInventory(
        JSON.stringify({ _meta: { hostvars: { a: { ansible_ssh_common_args: args } } }, all: { hosts: ["a"] } }),
      );
      assert.deepStrictEqual(host?.proxyJump && plain(host.proxyJump), jump);
    });
  }

  it("have no line of theirs in a warning", async () => {
    const warned: string[] = [];
    const note = ({ message }: Error) => void warned.push(message);
    process.on("warning", note);
    hostsOfInventory("all:\n  hosts:\n    a:\n      ansible_become_pass: !x hunter2\n");
    await new Promise(setImmediate);
    process.off("warning", note);
    assert.deepStrictEqual(warned, []);
  });

  const refused: [string, string, string, RegExp][] = [
    ["a group that is not there", "[a]\nx\n", "b", /no group "b"; it has a, all/],
    ["a port that is none", "a ansible_port=ssh", "all", /port of a is a text of 3 characters: .*1 to 65535/],
    ["a template", "a ansible_host={{ip}}", "all", /ansible_host of a .*\{\{ip\}\}.*ansible-inventory --list/],
    ["another way to log in", "a ansible_connection=local", "all", /a .*ansible_connection local.*only hosts with SSH/],
    ["two jump hosts", "a ansible_ssh_common_args='-J b,c'", "all", /a over several jump hosts.*b,c/],
    [
      "a ProxyCommand of one's own",
      "a ansible_ssh_common_args='-o ProxyCommand=\"nc -x p %h %p\"'",
      "all",
      /a by a ProxyCommand, .*-J/,
    ],
    ["a range that goes down", "a[3:1]", "all", /range a\[3:1\]/],
    ["a group inside of itself", "[a:children]\nb\n[b:children]\na\n[a]\nx\n", "all", /child of itself/],
    ["a line that is no section", "[a\nx\n", "all", /line 1 .*\[a/],
    ["a quote that nobody closes", "a x='1", "all", /line 1 of the inventory: /],
    [
      "a word that is no variable, which is not shown",
      "a pass-word",
      "all",
      /line 1 of the inventory: a word .*name=value$/,
    ],
    ["variables of a group that is not there", "[a]\nx\n[b:vars]\ny=1", "all", /line 3 .*no section \[b\]/],
    ["a child that is not there", "[a:children]\nb", "all", /line 2 .*no section \[b\]/],
    ["a misspelt key in YAML", "all:\n  host:\n    a:\n", "all", /group all .* has host: .*hosts, children and vars/],
    ["ranges that multiply", "n[0:65535]-[0:19]", "all", /range n\[0:65535\]-\[0:19\]: .* at most 65536 hosts/],
    [
      "YAML that is none",
      "all:\n  hosts:\n    a:\n      ansible_become_pass: hunter2: x\n",
      "all",
      /no YAML: .* line 4, column \d+$/,
    ],
    ["JSON that is none", '{"ansible_become_pass": hunter2', "all", /^the inventory is no JSON$/],
    [
      "a password for sshpass",
      "a ansible_ssh_common_args='-o ProxyCommand=\"sshpass -p hunter2 ssh -W %h:%p b\"'",
      "all",
      /a by a ProxyCommand/,
    ],
    [
      "a password as a port",
      "a ansible_ssh_common_args='-o ProxyCommand=\"ssh -p hunter2 -W %h:%p b\"'",
      "all",
      /port of a is a text/,
    ],
    ["a password of a jump host", "a ansible_ssh_common_args='-J bob:hunter2@b'", "all", /jump host of a is a text/],
    ["a list of hosts in YAML", "all:\n  hosts: [a]\n", "all", /hosts of the group all .*a map/],
    ["a JSON of another kind", '{"all": {"hosts": ["a"]}}', "all", /_meta\.hostvars.*ansible-inventory --list/],
  ];
  for (const [name, text, group, says] of refused) {
    it(`are refused with ${name}`, () => {
      assert.throws(
        () => hostsOfInventory(text, group),
        (error: Error) => {
          assert.match(error.message, says);
          return !error.message.includes("hunter2");
        },
      );
    });
  }
});
