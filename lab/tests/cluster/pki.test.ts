import * as assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as tls from "node:tls";
import { authority, type CertRequest, type KeyPair } from "../../cluster/pki";

const SERVER: CertRequest = { name: "server", commonName: "server", ip: ["127.0.0.1"], usages: ["server"] };
const CLIENT: CertRequest = { name: "client", commonName: "u", organization: "g", usages: ["client"] };

describe("the lab's certificate authorities", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), "pki-"));
  });

  afterEach(() => fs.rm(directory, { recursive: true }));

  it("give server and client certificates that both ends of a TLS connection accept", async () => {
    const ca = await authority(directory, "ca");
    const [server, client] = [await ca.issue(SERVER), await ca.issue(CLIENT)];
    const subject = await handshake(server, client, ca.cert);
    assert.deepEqual({ ...subject }, { O: "g", CN: "u" });
  });

  it("are not trusted for each other: a client refuses a server of another authority", async () => {
    const [one, other] = [await authority(directory, "one"), await authority(directory, "other")];
    const server = await one.issue(SERVER);
    const client = await one.issue(CLIENT);
    await assert.rejects(handshake(server, client, other.cert), /unable to verify|self.signed|unable to get/);
  });

  it("return the same certificate as long as it is what is asked for", async () => {
    const first = await (await authority(directory, "ca")).issue(SERVER);
    const second = await (await authority(directory, "ca")).issue(SERVER);
    assert.deepEqual(second, first);
  });

  it("issue again when the names change or the signer is another one", async () => {
    const ca = await authority(directory, "ca");
    const first = await ca.issue(SERVER);
    const moved = await ca.issue({ ...SERVER, ip: ["127.0.0.2"] });
    assert.notEqual(moved.cert, first.cert);
    assert.equal(new X509Certificate(moved.cert).subjectAltName, "IP Address:127.0.0.2");
    const again = await (await authority(directory, "other")).issue({ ...SERVER, ip: ["127.0.0.2"] });
    assert.notEqual(again.cert, moved.cert);
  });

  it("keep private keys readable for their owner only", async () => {
    await (await authority(directory, "ca")).issue(SERVER);
    for (const file of await fs.readdir(directory)) {
      const { mode } = await fs.stat(path.join(directory, file));
      assert.equal(mode & 0o077, 0, file);
    }
  });

  it("replace a file that an interrupted run or a full disk left broken", async () => {
    const ca = await authority(directory, "ca");
    await ca.issue(SERVER);
    await fs.truncate(path.join(directory, "server.pem"), 100);
    const server = await ca.issue(SERVER);
    await handshake(server, await ca.issue(CLIENT), ca.cert);
  });
});

/** Subject of the client as the server sees it; rejects when either side refuses the other. */
function handshake(server: KeyPair, client: KeyPair, ca: string): Promise<tls.PeerCertificate["subject"]> {
  return new Promise((resolve, reject) => {
    const listener = tls.createServer({ ...server, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
      resolve(socket.getPeerCertificate().subject);
      socket.end();
      listener.close();
    });
    const fail = (error: Error): void => {
      listener.close();
      reject(error);
    };
    listener.on("tlsClientError", fail);
    listener.listen(0, "127.0.0.1", () => {
      const { port } = listener.address() as { port: number };
      const socket = tls.connect({ host: "127.0.0.1", port, ca, ...client });
      socket.on("error", fail);
      socket.on("data", () => undefined);
    });
  });
}
