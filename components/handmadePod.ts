import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { checkNginxAndApp, type NginxAndApp, nginxConf } from "./nginxAndApp";
import { isWholeNumber, Problems } from "./problems";

export interface HandmadePodArgs extends NginxAndApp {
  /** The pause image: it owns the namespaces that the others join. */
  pauseImage: pulumi.Input<string>;
  /**
   * Port of the machine that leads to nginx.
   * @default 8080
   */
  publishedPort?: number;
  /**
   * Address of the machine to publish the port on; `0.0.0.0` for every address.
   * @default "127.0.0.1"
   */
  publishedAddress?: string;
  /**
   * nginx's `server_name`.
   * @default none: any name
   */
  serverName?: string;
}

/**
 * A Pod made by hand, on a docker engine and without Kubernetes: pause, and two containers in its namespaces.
 *
 * pause publishes the port, since the network namespace is its own, and its IPC namespace must be shareable: Docker
 * gives private ones by default, which nobody can join. nginx and the app join network, IPC and PID namespaces, so
 * pause keeps their address while they come and go, and is the process 1 that reaps what they leave.
 *
 * Children: the containers `<name>-pause`, `<name>-nginx` and `<name>-app`; the last two are removed before pause.
 *
 * @throws Error naming every argument that is not allowed, before anything is created.
 */
export class HandmadePod extends pulumi.ComponentResource {
  /** Address that leads through nginx to the app, `http://127.0.0.1:8080/`. */
  public readonly url: pulumi.Output<string>;
  /** Id of the pause container, whose namespaces the Pod is. */
  public readonly pauseId: pulumi.Output<string>;

  constructor(name: string, args: HandmadePodArgs, opts?: pulumi.ComponentResourceOptions) {
    check(name, args);
    super("pause-sandbox:index:HandmadePod", name, {}, opts);
    const { publishedPort = 8080, publishedAddress = "127.0.0.1" } = args;
    const pause = new docker.Container(
      `${name}-pause`,
      {
        image: args.pauseImage,
        ipcMode: "shareable",
        ports: [{ internal: 80, external: publishedPort, ip: publishedAddress }],
      },
      { parent: this },
    );
    const joined = pulumi.interpolate`container:${pause.id}`;
    const join = { networkMode: joined, ipcMode: joined, pidMode: joined };
    const inside = { parent: this, dependsOn: pause };
    const content = nginxConf(args.appPort, args.serverName);
    const nginx = new docker.Container(
      `${name}-nginx`,
      { image: args.nginxImage, ...join, uploads: [{ file: "/etc/nginx/nginx.conf", content }] },
      inside,
    );
    const app = new docker.Container(`${name}-app`, { image: args.appImage, ...join }, inside);

    this.pauseId = pause.id;
    // Known once all three run: whoever asks for the address wants an answer from it.
    this.url = pulumi
      .all([nginx.id, app.id])
      .apply(() => `http://${publishedAddress === "0.0.0.0" ? "127.0.0.1" : publishedAddress}:${publishedPort}/`);
    this.registerOutputs({ url: this.url, pauseId: this.pauseId });
  }
}

function check(name: string, args: HandmadePodArgs): void {
  const problems = new Problems(`HandmadePod "${name}"`);
  if (args.pauseImage === "") problems.add("pauseImage", "", "an image reference");
  checkNginxAndApp(problems, "", args);
  const { publishedPort = 8080, publishedAddress = "127.0.0.1", serverName } = args;
  if (!isWholeNumber(publishedPort, 1, 65535)) {
    problems.add("publishedPort", publishedPort, "a whole number from 1 to 65535");
  }
  if (!/^[0-9A-Fa-f.:]+$/.test(publishedAddress)) {
    problems.add("publishedAddress", publishedAddress, "an IP address of the machine");
  }
  if (serverName !== undefined && !/^[A-Za-z0-9.*-]+$/.test(serverName)) {
    problems.add("serverName", serverName, "a host name");
  }
  problems.throwIfAny();
}
