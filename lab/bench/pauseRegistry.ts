import { createHash } from "node:crypto";
import * as http from "node:http";
import { type AddressInfo } from "node:net";

/** A registry that takes pushes, keeps nothing but sizes, and counts what it is sent. */
export interface CountingRegistry {
  /** `127.0.0.1:port`: docker speaks plain HTTP to loopback addresses. */
  readonly host: string;
  /** Bytes of blobs and manifests received since the last call. */
  take(): number;
  close(): void;
}

/** Starts it: just as much of the distribution API as `docker push` uses. */
export async function countingRegistry(): Promise<CountingRegistry> {
  const store = new Store();
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { status, headers } = store.answer(request.method ?? "", request.url ?? "", Buffer.concat(chunks));
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => store.take(),
    close: () => server.close(),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: http.OutgoingHttpHeaders;
}

class Store {
  private bytes = 0;
  private uploads = 0;
  /** Size of each upload by its URL, and of each finished blob by its digest. */
  private readonly sizes = new Map<string, number>();

  take(): number {
    const taken = this.bytes;
    this.bytes = 0;
    return taken;
  }

  answer(method: string, url: string, body: Buffer): Answer {
    this.bytes += body.length;
    const { pathname, searchParams } = new URL(url, "http://registry");
    switch (method) {
      case "GET": // is this a registry?
        return { status: 200, headers: {} };
      case "HEAD": // is this blob here?
        return this.find(pathname.split("/").pop() ?? "");
      case "POST": // begin a blob
        return { status: 202, headers: { Location: `${pathname}${++this.uploads}` } };
      case "PATCH": // a piece of one
        this.sizes.set(pathname, (this.sizes.get(pathname) ?? 0) + body.length);
        return { status: 202, headers: { Location: pathname, Range: `0-${body.length - 1}` } };
      case "PUT": // the end of one, or a manifest
        return this.finish(pathname, searchParams.get("digest") ?? sha256(body));
      default:
        return { status: 405, headers: {} };
    }
  }

  private find(digest: string): Answer {
    const size = this.sizes.get(digest);
    return size === undefined
      ? { status: 404, headers: {} }
      : { status: 200, headers: { "Content-Length": size, "Docker-Content-Digest": digest } };
  }

  private finish(pathname: string, digest: string): Answer {
    this.sizes.set(digest, this.sizes.get(pathname) ?? 0);
    return { status: 201, headers: { "Docker-Content-Digest": digest } };
  }
}

function sha256(body: Buffer): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}
