import type { Call, ResourceType } from "../protocol/plugin";
import { type Failure, object } from "../protocol/shape";
import { differences, isUnknown, type Props, UNKNOWN } from "../protocol/values";
import { ACCEPTED, indexOver } from "./indexContent";
import { Repository } from "./registry";

interface Inputs {
  tag: string;
  sources: string[];
  push?: boolean;
  registry?: { address: string; username?: string; password?: string };
}

/**
 * `docker-build:index:Index`: one reference over images that are in the registry already. Deleting leaves it there, as
 * nodes may still pull it.
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
    const target = isUnknown(tag) ? undefined : parse(tag);
    const failures: Failure[] = isUnknown(tag) || target?.tag ? [] : [notAReference("tag", tag)];
    const list = Array.isArray(sources) ? sources : [];
    list.forEach((source, i) => {
      const parsed = parse(source);
      if (isUnknown(source)) return;
      if (!parsed) failures.push(notAReference(`sources[${i}]`, source));
      else if (target && (parsed.host !== target.host || parsed.path !== target.path)) {
        const reason = `${source} is not in the repository of ${tag}; the lab's stand-in plugin copies no images`;
        failures.push({ property: `sources[${i}]`, reason });
      }
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
    const { repository, tag } = targetOf(call, inputs);
    const live = await repository.manifest(tag, ACCEPTED);
    return live && { inputs: call.oldInputs, outputs: { ...call.oldInputs, ref: `${inputs.tag}@${live.digest}` } };
  },

  delete: () => Promise.resolve(),
};

async function pushIndex(call: Call, props: Props): Promise<Props> {
  const inputs = props as unknown as Inputs;
  if (inputs.push === false) return { ...props, ref: inputs.tag };
  if (call.preview) return { ...props, ref: UNKNOWN };
  const { repository, tag } = targetOf(call, inputs);
  const sources = await Promise.all(
    inputs.sources.map(async (source) => {
      const found = await repository.manifest(parse(source)?.reference ?? "", ACCEPTED);
      if (!found) throw new Error(`creating the index ${inputs.tag}: the registry does not have ${source}`);
      return found;
    }),
  );
  const { mediaType, bytes } = await indexOver(repository, sources);
  return { ...props, ref: `${inputs.tag}@${await repository.putManifest(tag, mediaType, bytes)}` };
}

function targetOf(call: Call, { tag, registry }: Inputs): { repository: Repository; tag: string } {
  const target = parse(tag);
  if (!target?.tag) throw new Error(notAReference("tag", tag).reason);
  const { username, password = "" } = registry ?? {};
  const login = username === undefined ? undefined : { username, password };
  return { repository: new Repository(target.host, target.path, login, call.signal), tag: target.tag };
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
