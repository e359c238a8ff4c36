/** The proxy that a runtime takes to a registry, by the rules of Go's programs (golang.org/x/net/http/httpproxy), and a way through it. */
import { BlockList, isIP } from "node:net";
import { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";

import { hostAndPort } from "./pulledImage";

export interface Proxy {
  /** Without a login. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Whether it is spoken to over TLS. */
  readonly tls: boolean;
}

interface To {
  readonly host: string;
  readonly port: number;
  readonly plainHttp?: boolean;
}

/** The first that is not empty counts, and capitals come first. */
const valueOf = (lines: readonly string[], name: string): string =>
  [name, name.toLowerCase()]
    .map((one) => lines.find((line) => line.startsWith(`${one}=`))?.slice(one.length + 1))
    .find(Boolean) ?? "";

/** @param lines Variables of the process that pulls. @returns nothing where it takes none for that host */
export function proxyFor(lines: readonly string[], to: To): Proxy | undefined {
  const given = valueOf(lines, to.plainHttp ? "HTTP_PROXY" : "HTTPS_PROXY");
  if (given === "" || isExempt(lines, to)) return undefined;
  const [, scheme = "http", rest = ""] = /^(?:(https?):\/\/)?([^/]*)/.exec(given) ?? [];
  const tls = scheme === "https";
  const { host, port } = hostAndPort(rest, tls ? 443 : 80);
  return host === "" ? undefined : { url: `${scheme}://${rest}`, host, port, tls };
}

/** Whether NO_PROXY names the host, or it is this machine. */
export function isExempt(lines: readonly string[], { host, port }: To): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || /^127\./.test(name) || name === "::1") return true;
  return valueOf(lines, "NO_PROXY")
    .toLowerCase()
    .split(",")
    .map((one) => one.trim())
    .some((one) => one !== "" && matches(one, name, port));
}

function matches(entry: string, name: string, port: number): boolean {
  if (entry === "*") return true;
  const [, net = "", bits] = /^(.*)\/(\d{1,3})$/.exec(entry) ?? [];
  if (bits !== undefined) return isIn(name, net, Number(bits));
  const of = hostAndPort(entry, 0);
  if (of.port !== 0 && of.port !== port) return false;
  if (isIP(of.host)) return of.host === name;
  const domain = of.host.replace(/^\*/, "");
  return domain.startsWith(".") ? name.endsWith(domain) : name === domain || name.endsWith(`.${domain}`);
}

function isIn(name: string, net: string, bits: number): boolean {
  const family = isIP(net);
  if (family === 0 || family !== isIP(name) || bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(net, bits, family === 4 ? "ipv4" : "ipv6");
  return list.check(name, family === 4 ? "ipv4" : "ipv6");
}

/** In characters: a proxy answers in some lines. */
const LONGEST_HEAD = 8192;

/** How an error of the proxy itself begins. */
export const OF_PROXY = "the proxy answers";

/** @param raw A connection to the proxy. @returns a stream to the host behind it; no login is sent */
export function through(raw: Duplex, { tls, host }: Proxy, to: string): Duplex {
  const outer: Duplex = tls
    ? tlsConnect({ socket: raw, rejectUnauthorized: false, servername: isIP(host) > 0 ? "" : host })
    : raw;
  let head = "";
  let isOpen = false;
  let waiting: (() => void) | undefined;
  const stream = new Duplex({
    read: () => outer.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      const go = () =>
        outer.write(chunk, () => {
          done();
        });
      if (isOpen) go();
      else waiting = go;
    },
    final: (done) => {
      outer.end();
      done();
    },
    destroy: (error, done) => {
      outer.destroy();
      raw.destroy();
      done(error);
    },
  });
  const opens = (chunk: Buffer) => {
    head += chunk.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (head.length > LONGEST_HEAD) stream.destroy(new Error(`${OF_PROXY} no HTTP`));
      return;
    }
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
    if (status !== "200") {
      stream.destroy(new Error(`${OF_PROXY} ${status ?? "no HTTP"} to CONNECT ${to}`));
      return;
    }
    isOpen = true;
    const rest = Buffer.from(head.slice(end + 4), "latin1");
    if (rest.length > 0) stream.push(rest);
    waiting?.();
  };
  outer.on("data", (chunk: Buffer) => {
    if (!isOpen) opens(chunk);
    else if (!stream.push(chunk)) outer.pause();
  });
  for (const one of new Set([raw, outer])) one.on("error", (error: Error) => stream.destroy(error));
  outer.on("end", () => {
    if (isOpen) stream.push(null);
    else stream.destroy(new Error(`${OF_PROXY} nothing to CONNECT ${to}`));
  });
  outer.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
  return stream;
}
