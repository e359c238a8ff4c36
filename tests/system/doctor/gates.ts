/** Registries of this process that the lab's nodes reach, each with something wrong about it. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { authority } from "../../../lab/cluster/pki";
import { type Answers, Certificates, having, serve, stopAll } from "../../doctor/servers";
import { bridgeAddress } from "../../support/engineTrust";
import { YEAR_SECONDS } from "./causes/cause";

export interface Gate {
  /** host:port */
  readonly host: string;
  /** What a node that trusts it has, as PEM. */
  readonly ca: string;
}

/** Named by what is wrong. */
export interface Gates {
  readonly expired: Gate;
  /** Its certificate is valid in eight years: so it is in order where it is that late already. */
  readonly early: Gate;
  /** The intermediate of its certificate is not sent. */
  readonly halfChain: Gate;
  readonly forbidding: Gate;
  readonly tooBusy: Gate;
}

/** @returns the gates, and what takes them away */
export async function openGates(): Promise<Gates & { close: () => void }> {
  const address = bridgeAddress();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-gates-"));
  const certificates = new Certificates();
  const signer = await authority(folder, "gates");
  const years = (count: number) => new Date(Date.now() + count * YEAR_SECONDS * 1000);
  const gate = async (name: string, answers: Answers, valid?: { from: Date; to: Date }): Promise<Gate> => {
    const request = { name, commonName: name, ip: [address], usages: ["server" as const], valid };
    const port = await serve(answers, await signer.issue(request), address);
    return { host: `${address}:${port}`, ca: signer.cert };
  };
  const halfChain = async (): Promise<Gate> => {
    const root = certificates.make({ name: "Bank Root CA G2", organisation: "Bank" });
    const middle = certificates.make({ name: "Bank Issuing CA 3", organisation: "Bank", signer: root });
    const leaf = certificates.make({ name: "registry", signer: middle, names: `IP:${address}` });
    return { host: `${address}:${await serve(having("amd64"), leaf, address)}`, ca: root.cert };
  };
  const withStatus = (status: number): Answers => {
    const errors = [{ code: status === 403 ? "DENIED" : "TOOMANYREQUESTS", message: "by the test" }];
    return (asked) => (asked.includes("/manifests/") ? { status, body: { errors } } : { status: 200 });
  };
  return {
    expired: await gate("expired", having("amd64"), { from: years(-2), to: years(-1) }),
    early: await gate("early", having("amd64"), { from: years(8), to: years(9.5) }),
    halfChain: await halfChain(),
    forbidding: await gate("forbidding", withStatus(403)),
    tooBusy: await gate("too-busy", withStatus(429)),
    close: () => {
      stopAll();
      certificates.remove();
      fs.rmSync(folder, { recursive: true });
    },
  };
}
