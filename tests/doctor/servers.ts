/** Registries of this process, over real TCP and TLS, with certificates that openssl makes. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";

/** A certificate and its key, both as PEM, and where they lie. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly file: string;
}

/** What a leaf or an authority is made by. */
interface Request {
  readonly name: string;
  readonly organisation?: string;
  readonly signer?: Pair;
  /** Such as `DNS:registry.example.com` or `IP:127.0.0.1`. Default: an authority. */
  readonly names?: string;
}

/** Certificates in a folder of their own. */
export class Certificates {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-doctor-"));
  private made = 0;

  make({ name, organisation, signer, names }: Request): Pair {
    const file = path.join(this.folder, String(this.made++));
    const subject = `${organisation === undefined ? "" : `/O=${organisation}`}/CN=${name}`;
    const use = names === undefined ? "basicConstraints=critical,CA:TRUE" : `subjectAltName=${names}`;
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${file}.key`];
    const base = ["req", "-subj", subject, ...ec];
    const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
    if (signer) {
      fs.writeFileSync(`${file}.ext`, use);
      openssl(...base, "-new", "-out", `${file}.csr`);
      const by = ["-CA", `${signer.file}.pem`, "-CAkey", `${signer.file}.key`, "-CAcreateserial"];
      openssl(
        "x509",
        "-req",
        "-in",
        `${file}.csr`,
        ...by,
        "-days",
        "90",
        "-extfile",
        `${file}.ext`,
        "-out",
        `${file}.pem`,
      );
    } else {
      openssl(...base, "-x509", "-days", "3650", "-out", `${file}.pem`);
    }
    const read = (end: string) => fs.readFileSync(`${file}.${end}`, "utf8");
    return { cert: read("pem"), key: read("key"), file };
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true });
  }
}

/** What a registry answers to a path. */
export type Answers = (path: string, headers: http.IncomingHttpHeaders) => Answer;
export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

const servers: http.Server[] = [];

/**
 * @param tls The chain that it sends, and its key. Default: plain HTTP.
 * @returns its port
 */
export async function serve(
  answers: Answers,
  tls?: { cert: string; key: string },
  address = "127.0.0.1",
): Promise<number> {
  const answer: http.RequestListener = (request, response) => {
    const { status, headers = {}, body = {} } = answers(request.url ?? "", request.headers);
    response.writeHead(status, headers).end(JSON.stringify(body));
  };
  const server = tls ? https.createServer(tls, answer) : http.createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}

export function stopAll(): void {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
}

/** A registry that has the image for these architectures. */
export const having =
  (...architectures: string[]): Answers =>
  (asked) =>
    asked.includes("/manifests/")
      ? {
          status: 200,
          headers: { "docker-content-digest": `sha256:${"a".repeat(64)}` },
          body: { manifests: architectures.map((architecture) => ({ platform: { architecture, os: "linux" } })) },
        }
      : { status: 404 };
