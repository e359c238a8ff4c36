import * as fs from "fs";
import * as os from "os";
import * as path from "path";
import { parse } from "yaml";

import { isObject, type Props } from "../protocol/values";

/** How to reach an API server, and as whom. */
export interface Cluster {
  server: string;
  ca: string | undefined;
  cert: string | undefined;
  key: string | undefined;
  token: string | undefined;
  /** Where objects go that name no namespace. */
  namespace: string;
}

/** Ways to log in or to trust that a kubeconfig may ask for and this plugin does not offer. */
const UNSUPPORTED = ["exec", "auth-provider", "username", "tokenFile", "insecure-skip-tls-verify", "proxy-url"];

interface Wanted {
  /** The file's content, or its path. */
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

/** @throws Error naming what the kubeconfig lacks, or what it asks for and cannot have */
export function clusterOf({ kubeconfig, context, namespace }: Wanted): Cluster {
  const { text, folder } = contentOf(kubeconfig ?? process.env.KUBECONFIG ?? path.join(os.homedir(), ".kube/config"));
  const config: unknown = parse(text);
  if (!isObject(config)) throw new Error("the kubeconfig is neither a path of a file nor YAML");
  const chosen = context ?? textOf(config["current-context"]);
  if (chosen === undefined) throw new Error("the kubeconfig has no current-context, and no context is configured");
  const within = entry(config, "context", chosen);
  const cluster = entry(config, "cluster", textOf(within.cluster) ?? "");
  const user = entry(config, "user", textOf(within.user) ?? "");
  const server = textOf(cluster.server);
  if (server?.startsWith("https://") !== true) throw new Error(`the kubeconfig's server must be https, not ${server}`);
  return {
    server,
    ca: pem(cluster, "certificate-authority", folder),
    cert: pem(user, "client-certificate", folder),
    key: pem(user, "client-key", folder),
    token: textOf(user.token),
    namespace: namespace ?? textOf(within.namespace) ?? "default",
  };
}

function contentOf(kubeconfig: string): { text: string; folder: string } {
  if (kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{")) return { text: kubeconfig, folder: "." };
  const file = kubeconfig.replace(/^~(?=\/)/, os.homedir());
  return { text: fs.readFileSync(file, "utf8"), folder: path.dirname(file) };
}

function entry(config: Props, kind: string, name: string): Props {
  const list = config[`${kind}s`];
  const found: unknown = Array.isArray(list) ? list.find((item) => isObject(item) && item.name === name) : undefined;
  const content = isObject(found) ? found[kind] : undefined;
  if (!isObject(content)) throw new Error(`the kubeconfig has no ${kind} ${JSON.stringify(name)}`);
  const vain = UNSUPPORTED.find((key) => content[key] !== undefined && content[key] !== false);
  if (vain) throw new Error(`the kubeconfig's ${kind} ${name} uses ${vain}, which the lab's stand-in does not support`);
  return content;
}

/** A certificate or key: inline in `<key>-data`, or in the file that `<key>` names relative to the kubeconfig. */
function pem(content: Props, key: string, folder: string): string | undefined {
  const data = textOf(content[`${key}-data`]);
  if (data !== undefined) return Buffer.from(data, "base64").toString();
  const file = textOf(content[key]);
  return file === undefined ? undefined : fs.readFileSync(path.resolve(folder, file), "utf8");
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
