import Docker from "dockerode";

/** The engine that DOCKER_HOST names, else the one on this machine. */
export const engine = new Docker();

/** One line of what the engine says while it builds, pulls or pushes. */
interface Progress {
  stream?: string;
  status?: string;
  id?: string;
  error?: string;
  aux?: { Digest?: string };
}

/** Waits for the engine to finish. @returns the last digest it named @throws Error with what the engine says is wrong */
export async function follow(stream: NodeJS.ReadableStream, log: (line: string) => void): Promise<string | undefined> {
  let digest: string | undefined;
  let failure: string | undefined;
  await new Promise<void>((resolve, reject) => {
    const finished = (error: Error | null) => {
      if (error) reject(error);
      else resolve();
    };
    engine.modem.followProgress(stream, finished, (event: Progress) => {
      failure ??= event.error;
      digest = event.aux?.Digest ?? digest;
      const line = [event.id, event.stream ?? event.status].filter(Boolean).join(": ").trim();
      if (line !== "") log(line);
    });
  });
  if (failure !== undefined) throw new Error(failure);
  return digest;
}

/** `host[:port]/repository:tag` in its parts. The host is needed: without it, the engine means Docker Hub. */
export function parseImageName(name: string): { registry: string; repository: string; tag: string } {
  const match = /^(?<repository>(?<registry>[^/]*[.:][^/]*|localhost)\/[^:@]+)(:(?<tag>[\w.-]+))?$/.exec(name);
  const { registry, repository, tag = "latest" } = match?.groups ?? {};
  if (registry === undefined || repository === undefined) {
    throw new Error(`${JSON.stringify(name)} is not fully qualified; it must be host[:port]/repository:tag`);
  }
  return { registry, repository, tag };
}
