/** The program of `make handmade`: our pause as an image of the engine, and the Pod on it. It needs no registry. */
import * as docker from "@pulumi/docker";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import * as path from "node:path";

import { HandmadePod } from "../../components";
import { architectureOf, pauseContext } from "../../image/compile";
import { cacheDir, LABEL } from "../cluster/layout";

/** What one stack with a handmade Pod differs in from another. */
export interface Settings {
  /** Of the engine's machine, `linux/amd64`. */
  platform: string;
  /** Ids of images that the engine has: with a name, docker's plugin would make the container again each time. */
  nginxImage: string;
  appImage: string;
  publishedPort: number;
  /** What `/pause -v` prints. */
  pauseVersion: string;
}

/** The program, for a stack with these settings. */
export function program(settings: Settings): PulumiFn {
  const { platform, pauseVersion: version, publishedPort, nginxImage, appImage } = settings;
  // eslint-disable-next-line @typescript-eslint/require-await -- the automation library wants a promise
  return async () => {
    const context = pauseContext({ platforms: [platform], version, cacheDir: cacheDir() });
    const pause = new docker.Image("pause", {
      // The folder is named by its content: other bytes are another image, and so another pause container.
      imageName: `pause-sandbox-lab/pause:${path.basename(context).slice(0, 12)}`,
      build: {
        context,
        dockerfile: `${context}/Dockerfile`,
        platform,
        args: { TARGETARCH: architectureOf(platform), VERSION: version },
      },
      skipPush: true,
    });
    const pod = new HandmadePod("pod", {
      pauseImage: pause.repoDigest,
      nginxImage,
      appImage,
      publishedPort,
      serverName: "www.kubesre.com",
      labels: { [LABEL]: "handmade" },
    });
    return { url: pod.url, pause: pod.pauseId, nginx: pod.nginxId, app: pod.appId };
  };
}
