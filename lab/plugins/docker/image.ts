import type { ImageBuildOptions } from "dockerode";

import { BuildContext } from "./context";
import { engine, follow, parseImageName } from "./engine";
import { messageOf } from "../../../components/errors";
import type { Call, ResourceType } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { containsUnknown, differences, isObject, type Props, UNKNOWN } from "../protocol/values";

interface Build {
  context?: string;
  dockerfile?: string;
  platform?: string;
  args?: Record<string, string>;
  target?: string;
  network?: string;
  addHosts?: string[];
  builderVersion?: string;
  cacheFrom?: { images?: string[] };
}

interface Inputs {
  imageName: string;
  build?: Build;
  registry?: { server?: string; username?: string; password?: string };
  skipPush?: boolean;
  buildOnPreview?: boolean;
}

/** The engine's numbers for its builders. */
const BUILDERS = { BuilderV1: "1", BuilderBuildKit: "2" } as const;

/**
 * `docker:index/image:Image`: built by the engine and pushed. Whether there is anything to do is decided by the content
 * of the context, which becomes part of the inputs as `build.contextDigest`. Deleting leaves the image where it is.
 */
export const image: ResourceType = {
  inputs: object(
    {
      imageName: "string",
      build: object({
        context: "string",
        dockerfile: "string",
        platform: "string",
        args: { map: "string" },
        target: "string",
        network: "string",
        addHosts: { list: "string" },
        builderVersion: "string",
        cacheFrom: object({ images: { list: "string" } }),
      }),
      registry: object({ server: "string", username: "string", password: "string" }),
      skipPush: "boolean",
      buildOnPreview: "boolean",
    },
    ["imageName"],
  ),
  outputs: ["baseImageName", "context", "dockerfile", "platform", "registryServer", "repoDigest"],

  check({ inputs }) {
    const build = isObject(inputs.build) ? inputs.build : {};
    const { imageName, skipPush } = inputs;
    if (imageName !== UNKNOWN && skipPush !== true) parseImageName(String(imageName));
    const { builderVersion } = build as Build;
    const reason = `${JSON.stringify(builderVersion)} is not one of ${Object.keys(BUILDERS).join(", ")}`;
    const failures =
      builderVersion === undefined || builderVersion in BUILDERS ? [] : [{ property: "build.builderVersion", reason }];
    const known = ![inputs.build, build.context, build.dockerfile].includes(UNKNOWN);
    const contextDigest = known ? contextOf(build).digest() : UNKNOWN;
    return Promise.resolve({ inputs: { ...inputs, build: { ...build, contextDigest } }, failures });
  },

  diff({ oldInputs, inputs }) {
    // Log-ins are often short-lived; another one is no reason to build and push again.
    const changes = [...differences(oldInputs, inputs)].filter(
      ([path]) => !["registry.username", "registry.password"].includes(path),
    );
    return { changes: new Map(changes.map(([path, kind]) => [path, { kind, replace: false }])) };
  },

  async create(call) {
    return { id: String(call.inputs.imageName), outputs: await buildAndPush(call, call.inputs) };
  },
  update: (call) => buildAndPush(call, call.inputs),
  delete: () => Promise.resolve(),
};

async function buildAndPush(call: Call, props: Props): Promise<Props> {
  const inputs = props as unknown as Inputs;
  const { imageName, build = {}, registry, skipPush } = inputs;
  const context = pathsOf(build);
  const outputs = {
    ...{ imageName, baseImageName: imageName, registryServer: registry?.server, platform: build.platform },
    ...context,
  };
  if (call.preview) {
    if (inputs.buildOnPreview && !containsUnknown(props)) await buildImage(call, inputs);
    return { ...outputs, repoDigest: UNKNOWN };
  }
  await buildImage(call, inputs);
  // What names a local image for good is its id.
  if (skipPush) return { ...outputs, repoDigest: (await engine.getImage(imageName).inspect()).Id };
  return { ...outputs, repoDigest: await push(call, inputs) };
}

function pathsOf(build: Build): { context: string; dockerfile: string } {
  const context = build.context ?? ".";
  return { context, dockerfile: build.dockerfile ?? `${context}/Dockerfile` };
}

function contextOf(build: Build): BuildContext {
  const { context, dockerfile } = pathsOf(build);
  return BuildContext.read(context, dockerfile);
}

async function buildImage(call: Call, { imageName, build = {}, registry }: Inputs): Promise<void> {
  const context = contextOf(build);
  const builder = BUILDERS[(build.builderVersion ?? "BuilderBuildKit") as keyof typeof BUILDERS];
  const options: ImageBuildOptions = {
    t: imageName,
    dockerfile: context.dockerfile,
    version: builder,
    platform: build.platform,
    buildargs: build.args,
    target: build.target,
    networkmode: build.network,
    extrahosts: build.addHosts?.join(","),
    cachefrom: build.cacheFrom?.images && JSON.stringify(build.cacheFrom.images),
    rm: true,
    // By registry, so that the log-in for one is never shown to another. BuildKit pulls base images anonymously.
    ...(builder === "1" && registry?.username !== undefined && { registryconfig: { ...loginsOf(registry) } }),
    abortSignal: call.signal,
  };
  const asked = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  call.log(`Building ${imageName}`, { ephemeral: true });
  await said("build", await engine.buildImage(context.pack(), asked), call);
}

async function push(call: Call, { imageName, registry }: Inputs): Promise<string> {
  const { repository, registry: host, tag } = parseImageName(imageName);
  const { username = "", password = "", server = host } = registry ?? {};
  call.log(`Pushing ${imageName}`, { ephemeral: true });
  const authconfig = { username, password, serveraddress: server };
  const stream = await engine.getImage(repository).push({ tag, authconfig, abortSignal: call.signal });
  const digest = await said("push", stream, call);
  if (digest === undefined) throw new Error(`the registry named no digest for ${imageName}`);
  return `${repository}@${digest}`;
}

/** Fails with the published plugin's words, which name no image: what users read must not look better in the lab. */
async function said(what: "build" | "push", stream: NodeJS.ReadableStream, call: Call): Promise<string | undefined> {
  try {
    return await follow(stream, progress(call));
  } catch (error) {
    throw new Error(`error reading ${what} output: ${messageOf(error)}`);
  }
}

function loginsOf({ server, username = "", password = "" }: NonNullable<Inputs["registry"]>) {
  return server === undefined ? {} : { [server]: { username, password } };
}

function progress(call: Call): (line: string) => void {
  return (line) => {
    call.log(line, { ephemeral: true });
  };
}
