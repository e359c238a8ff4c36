/** A group of machines that Cluster API makes: each has the pause image before its kubelet starts for the first time. */
import * as pulumi from "@pulumi/pulumi";
import { PauseImage } from "pause-sandbox";

import { clusterApi } from "./platforms";

const config = new pulumi.Config();

const image = new PauseImage("pause", { reference: "registry.example.com:5000/platform/pause:1.0.0" });

const workers = clusterApi(
  {
    reference: image.reference,
    // Machines check it, so that nobody can put another image there.
    digest: image.digest,
    ca: config.require("registryCa"),
  },
  { nodeRegistration: { kubeletExtraArgs: { "node-labels": "pool=workers" } } },
);

export const digest = image.digest;
export const template = workers.metadata.name;
