/** Registers a program's resources under mocks: register.ts PROGRAM NODES. Prints the seconds and the resources as JSON. */
import * as pulumi from "@pulumi/pulumi";

import { mocksOf } from "../../../components/testing";
import { type ProgramName, PROGRAMS } from "./programs";

// Only tsx brings source maps: every stack that the SDK notes would be looked up in them.
process.setSourceMapsEnabled(false);

async function main(): Promise<void> {
  const [program, nodes] = process.argv.slice(2) as [ProgramName, string];
  const mocks = mocksOf();
  let resources = 0;
  const newResource: pulumi.runtime.Mocks["newResource"] = (resource) => {
    resources++;
    return mocks.newResource(resource);
  };
  await pulumi.runtime.setMocks({ ...mocks, newResource }, "bench", "mocks");
  const start = performance.now();
  const before = process.cpuUsage();
  await pulumi.runtime.runInPulumiStack(() =>
    Promise.resolve(PROGRAMS[program]({ nodes: Number(nodes), tag: "1.0.0", login: false })),
  );
  await pulumi.runtime.disconnect();
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - start) / 1000;
  process.stdout.write(JSON.stringify({ wall, cpu: (user + system) / 1e6, resources }));
}

void main();
