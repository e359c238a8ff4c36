import { strict as assert } from "node:assert";

import { checkKnown } from "../../components/node/connection";
import { isHostName, shortest } from "../../components/host";

/** What getaddrinfo of glibc makes of each, where there is an interface eth0. */
const HOSTS: readonly [host: string, taken: boolean][] = [
  ["node-1.example.com", true],
  ["10.0.0.5", true],
  ["::1", true],
  ["2001:db8::5", true],
  ["2001:DB8:0:0::5", true],
  ["::ffff:10.0.0.1", true],
  ["fe80::5%eth0", true],
  ["febf::5%eth0.100", true],
  ["fe80::5%2", true],
  ["2001:db8::5%2", true],
  ["[::1]", false],
  ["node-1:2222", false],
  ["10.0.0.5:22", false],
  ["1::2::3", false],
  ["2001:db8:::5", false],
  ["12345::1", false],
  ["::1/64", false],
  ["::g", false],
  ["2001:db8::5%eth0", false],
  ["10.0.0.5%eth0", false],
  ["fe80::5%", false],
  ["fe80::5%$(id)", false],
  ["fe80::5%-oProxyCommand=id", false],
];

describe("the host of a node", () => {
  for (const [host, taken] of HOSTS) {
    it(`${taken ? "may" : "must not"} be ${host}`, () => {
      assert.equal(isHostName(host), taken);
      const check = () => {
        checkKnown("nodes[0].connection", "host", host);
      };
      const message = `nodes[0].connection.host: ${JSON.stringify(host)} is not allowed; it must be a host name or an IP address, without`;
      if (taken) check();
      else assert.throws(check, (error: Error) => error.message.includes(message));
    });
  }

  const shortened: readonly [host: string, short: string][] = [
    ["2001:DB8:0:0::5", "2001:db8::5"],
    ["FE80:0::5%eth0", "fe80::5%eth0"],
    ["0:0:0:0:0:ffff:10.0.0.1", "::ffff:10.0.0.1"],
    ["::1", "::1"],
    ["10.0.0.5", "10.0.0.5"],
    ["Node-1", "Node-1"],
  ];
  for (const [host, short] of shortened) {
    it(`is ${short} in known_hosts where it is given as ${host}`, () => {
      assert.equal(shortest(host), short);
    });
  }
});
