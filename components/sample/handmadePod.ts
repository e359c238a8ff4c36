import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { isIP } from "net";

import { checkNginxAndApp, nginxConfOf } from "./nginxAndApp";
import { checked, checkUnlessOutput, type Rule, whenKnown } from "../inputs";
import { isOutput, isWholeNumber, Problems } from "../problems";

/** The containers of the sample Pod, and the docker engine that runs them. */
export interface HandmadePodArgs {
  /** The pause image: it owns the namespaces that the others join. */
  pauseImage: pulumi.Input<string>;
  /** An nginx image whose own command runs nginx in the foreground with /etc/nginx/nginx.conf. */
  nginxImage: pulumi.Input<string>;
  /** The image of an app that listens on 127.0.0.1 at `appPort`; nobody outside the Pod can reach it directly. */
  appImage: pulumi.Input<string>;
  /** TCP port the app listens on, on 127.0.0.1. Default: 8888. */
  appPort?: pulumi.Input<number>;
  /** TCP port of the machine that leads to nginx. Default: 8080. */
  publishedPort?: pulumi.Input<number>;
  /** IP address of the machine to publish the port on; `0.0.0.0` for every address. Default: `127.0.0.1`. */
  publishedAddress?: pulumi.Input<string>;
  /** nginx's `server_name`. Default: none, which is any name. */
  serverName?: pulumi.Input<string>;
  /** Labels for all three containers, to find them by. Default: none. */
  labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

/**
 * A Pod made by hand, on a docker engine and without Kubernetes: pause, and two containers in its namespaces.
 *
 * pause publishes the port, since the network namespace is its own. Its IPC namespace must be shareable: Docker gives
 * private ones by default, which nobody can join. nginx and the app join network, IPC and PID namespaces. So pause
 * keeps their address while they come and go. It is the process 1 that reaps what they leave.
 *
 * Children: the containers `<name>-pause`, `<name>-nginx` and `<name>-app`; the last two are removed before pause. A
 * container that changes is removed before its successor is made. When pause changes, so do the other two: their
 * namespaces go with it.
 *
 * Give images by their ids (`sha256:…`; `docker.Image.repoDigest` of an image that is not pushed) where another run must
 * change nothing. docker's plugin reads the id back, and a name is then a change (pulumi-docker#1431).
 *
 * @throws InputPropertiesError naming every argument that is not allowed, before anything is created.
 */
export class HandmadePod extends pulumi.ComponentResource {
  /** Address that leads through nginx to the app, `http://127.0.0.1:8080/`. */
  public readonly url: pulumi.Output<string>;
  /** Id of the pause container, whose namespaces the Pod is. */
  public readonly pauseId: pulumi.Output<string>;
  /** Id of nginx's container. */
  public readonly nginxId: pulumi.Output<string>;
  /** Id of the app's container. */
  public readonly appId: pulumi.Output<string>;

  constructor(name: string, args: HandmadePodArgs, opts?: pulumi.ComponentResourceOptions) {
    check(name, args);
    super("pause-sandbox:index:HandmadePod", name, {}, opts);
    const published = publishedBy(args);
    const labels = args.labels && whenKnown(args.labels, labelsOf);
    // A port, the machine's as well as nginx's own in the shared namespace, can be had by one container at a time.
    const alone = { parent: this, deleteBeforeReplace: true };
    const pause = new docker.Container(
      `${name}-pause`,
      {
        image: args.pauseImage,
        ipcMode: "shareable",
        ports: whenKnown(published, ({ port, address }) => [{ internal: 80, external: port, ip: address }]),
        labels,
      },
      alone,
    );
    const joined = pulumi.interpolate`container:${pause.id}`;
    const join = { networkMode: joined, ipcMode: joined, pidMode: joined, labels };
    const inside = { ...alone, dependsOn: pause };
    const content = nginxConfOf(args.appPort, args.serverName);
    const nginx = new docker.Container(
      `${name}-nginx`,
      { image: args.nginxImage, ...join, uploads: [{ file: "/etc/nginx/nginx.conf", content }] },
      inside,
    );
    const app = new docker.Container(`${name}-app`, { image: args.appImage, ...join }, inside);

    this.pauseId = pause.id;
    this.nginxId = nginx.id;
    this.appId = app.id;
    // Known once all three run: whoever asks for the address wants an answer from it.
    this.url = pulumi.all([published, nginx.id, app.id]).apply(([{ address, port }]) => urlOf(address, port));
    this.registerOutputs({ url: this.url, pauseId: this.pauseId, nginxId: this.nginxId, appId: this.appId });
  }
}

/** Every address includes the machine's own, and that one can be asked. */
function urlOf(address: string, port: number): string {
  const reachable = new Map([
    ["0.0.0.0", "127.0.0.1"],
    ["::", "::1"],
  ]);
  const host = reachable.get(address) ?? address;
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}/`;
}

function check(name: string, args: HandmadePodArgs): void {
  const problems = new Problems(`HandmadePod "${name}"`);
  if (problems.isObject("", args, "pauseImage, nginxImage and appImage")) checkArgs(problems, args);
  problems.throwIfAny();
}

/** Where the machine publishes nginx. */
interface Published {
  port: number;
  address: string;
}

function publishedBy({ publishedPort, publishedAddress }: HandmadePodArgs): pulumi.Input<Published> {
  return whenKnown({ publishedPort, publishedAddress }, (known) => {
    checked("HandmadePod", known, (problems) => {
      checkPublished(problems, known);
    });
    return { port: known.publishedPort ?? 8080, address: known.publishedAddress ?? "127.0.0.1" };
  });
}

function labelsOf(labels: Record<string, string>): { label: string; value: string }[] {
  return Object.entries(labels).map(([label, value]) => ({ label, value }));
}

const PORT: Rule = { allows: (value) => isWholeNumber(value, 1, 65535), allowed: "a whole number from 1 to 65535" };
const ADDRESS: Rule = {
  allows: (value) => typeof value === "string" && isIP(value) !== 0,
  allowed: "an IP address of the machine, or 0.0.0.0 for all of them",
};
const SERVER_NAME: Rule = {
  allows: (value) => typeof value === "string" && /^[A-Za-z0-9.*-]+$/.test(value),
  allowed: "a host name",
};

function checkArgs(problems: Problems, args: HandmadePodArgs): void {
  const { serverName, labels } = args;
  const pauseImage: unknown = args.pauseImage;
  if (pauseImage === undefined || pauseImage === "") problems.add("pauseImage", pauseImage, "an image reference");
  checkNginxAndApp(problems, "", args);
  checkPublished(problems, args);
  checkUnlessOutput(problems, "serverName", serverName, SERVER_NAME);
  if (labels !== undefined && !isOutput(labels) && "" in labels) {
    problems.add("labels", labels, "labels that have a name");
  }
}

function checkPublished(
  problems: Problems,
  { publishedPort, publishedAddress }: Pick<HandmadePodArgs, "publishedPort" | "publishedAddress">,
): void {
  checkUnlessOutput(problems, "publishedPort", publishedPort, PORT);
  checkUnlessOutput(problems, "publishedAddress", publishedAddress, ADDRESS);
}
