import { createHash } from "crypto";

import type { Call, ResourceType } from "../protocol/plugin";
import { type Failure, object } from "../protocol/shape";
import { differences, isUnknown, type Props, UNKNOWN } from "../protocol/values";
import { copy } from "./copy";
import { ACCEPTED, indexOver, type Source } from "./indexContent";
import { Refusal, Repository, type Scheme } from "./registry";
import { saying } from "./saying";
import type { Login } from "./trust";

interface Inputs {
  tag: string;
  sources: string[];
  push?: boolean;
  registry?: { address: string; username?: string; password?: string };
}

/**
 * `docker-build:index:Index`: one reference over images that are in a registry already; those of other repositories are
 * copied first. The tag is written last. Deleting removes the digest from the registry, so every other tag of it too.
 */
export const index: ResourceType = {
  inputs: object(
    {
      tag: "string",
      sources: { list: "string" },
      push: "boolean",
      registry: object({ address: "string", username: "string", password: "string" }, ["address"]),
    },
    ["tag", "sources"],
  ),
  outputs: ["ref"],

  check({ inputs }) {
    const { tag, sources } = inputs as unknown as Inputs;
    const failures: Failure[] = isUnknown(tag) || parse(tag)?.tag ? [] : [notAReference("tag", tag)];
    const list = Array.isArray(sources) ? sources : [];
    list.forEach((source, i) => {
      if (!isUnknown(source) && !parse(source)) failures.push(notAReference(`sources[${i}]`, source));
    });
    return Promise.resolve({ inputs, failures });
  },

  diff({ oldInputs, inputs }) {
    const changes = [...differences(oldInputs, inputs)].filter(([path]) => path !== "registry.password");
    const replaces = (path: string) => path === "tag" || path === "registry.address";
    return { changes: new Map(changes.map(([path, kind]) => [path, { kind, replace: replaces(path) }])) };
  },

  async create(call) {
    return { id: call.name, outputs: await pushIndex(call, call.inputs) };
  },
  update: (call) => pushIndex(call, call.inputs),

  async read(call) {
    const inputs = call.oldInputs as unknown as Inputs;
    if (inputs.push === false) return { inputs: call.oldInputs, outputs: call.oldOutputs };
    const ref = await liveRef(call, inputs);
    return ref === undefined ? undefined : { inputs: call.oldInputs, outputs: { ...call.oldInputs, ref } };
  },

  async delete(call) {
    const inputs = call.oldInputs as unknown as Inputs;
    const digest = /@(sha256:[0-9a-f]{64})$/.exec(String(call.oldOutputs.ref))?.[1];
    if (inputs.push === false || digest === undefined) return;
    const deleted = await targetOf(call, inputs).repository.deleteManifest(digest);
    if (!deleted) call.log(`${inputs.tag} stays: its registry deletes nothing`);
  },
};

async function pushIndex(call: Call, props: Props): Promise<Props> {
  const inputs = props as unknown as Inputs;
  if (inputs.push === false) return { ...props, ref: inputs.tag };
  if (call.preview) return { ...props, ref: UNKNOWN };
  await saying("creating", () => push(call, inputs));
  const ref = await saying("reading", () => liveRef(call, inputs));
  return { ...props, ref: ref ?? inputs.tag };
}

async function push(call: Call, inputs: Inputs): Promise<void> {
  const { repository, tag } = targetOf(call, inputs, pushScheme);
  const sources = await Promise.all(inputs.sources.map((source) => find(call, source, inputs)));
  const { mediaType, bytes } = await indexOver(sources);
  for (const { reference, repository: from, manifest } of sources) {
    if (from.name === repository.name) continue;
    await saying(`copy ${manifest.digest} from ${reference} to ${inputs.tag}`, () => copy(from, repository, manifest));
  }
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const doing = `publish ${digest} to ${inputs.tag}: failed commit on ref "index-${digest}"`;
  await saying(doing, () => repository.putManifest(tag, mediaType, bytes));
}

/**
 * The tag with the digest that it stands for now, or where the registry refuses the login with none.
 * @returns undefined when the registry has no such tag
 */
async function liveRef(call: Call, inputs: Inputs): Promise<string | undefined> {
  const { repository, tag } = targetOf(call, inputs);
  try {
    const live = await repository.manifest(tag, ACCEPTED);
    return live && `${inputs.tag}@${live.digest}`;
  } catch (error) {
    if (!(error instanceof Refusal) || ![401, 403].includes(error.status)) throw error;
    call.log("invalid credentials, skipping", { warning: true });
    return inputs.tag;
  }
}

async function find(call: Call, source: string, inputs: Inputs): Promise<Source> {
  const { host, path, reference } = parse(source) ?? { host: "", path: "", reference: "" };
  const repository = new Repository(host, path, loginFor(host, inputs), call.signal, pushScheme(host));
  const manifest = await repository.manifest(reference, ACCEPTED);
  if (!manifest) throw new Error(`${source}: not found`);
  return { reference: source, repository, manifest };
}

/** buildx, which pushes, speaks plain HTTP to loopback; what reads back and deletes speaks TLS to all. */
function pushScheme(host: string): Scheme {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host) ? "http" : "https";
}

function targetOf(call: Call, inputs: Inputs, schemeOf: (host: string) => Scheme = () => "https") {
  const target = parse(inputs.tag);
  if (!target?.tag) throw new Error(notAReference("tag", inputs.tag).reason);
  const { host, path, tag } = target;
  return { repository: new Repository(host, path, loginFor(host, inputs), call.signal, schemeOf(host)), tag };
}

/** A log-in is for its own registry, and no other may see it. */
function loginFor(host: string, { registry }: Inputs): Login | undefined {
  const { address, username, password = "" } = registry ?? {};
  return username === undefined || address !== host ? undefined : { username, password };
}

const REFERENCE =
  /^(?<host>[^/]*[.:][^/]*|localhost)\/(?<path>[a-z0-9._/-]+)(:(?<tag>\w[\w.-]*))?(@(?<digest>sha256:[0-9a-f]{64}))?$/;

function parse(reference: string) {
  const { host, path, tag, digest } = REFERENCE.exec(reference)?.groups ?? {};
  if (host === undefined || path === undefined) return undefined;
  return { host, path, tag, reference: digest ?? tag ?? "latest" };
}

function notAReference(property: string, value: unknown): Failure {
  const form = property === "tag" ? "host[:port]/repository:tag" : "host[:port]/repository with a tag or a digest";
  return { property, reason: `${JSON.stringify(value)} is not ${form}` };
}
