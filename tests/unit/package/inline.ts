/** Runs index.ts as a program of the Automation API does, in its own process: `inline.ts ENGINE`. Prints the error. */
import type { ServiceError } from "@grpc/grpc-js";
import * as server from "@pulumi/pulumi/automation/server";
import { RunRequest } from "@pulumi/pulumi/proto/language_pb";

import program from "../../../index";

const [engine = ""] = process.argv.slice(2);
const request = new RunRequest();
request.setProject("pause-sandbox");
request.setStack("stack");
request.setDryrun(true);
request.setMonitorAddress(engine);
request.setArgsList([engine]);
const settings = JSON.parse(process.env.PULUMI_CONFIG ?? "{}") as Record<string, string>;
for (const [key, value] of Object.entries(settings)) request.getConfigMap().set(key, value);

/** The SDK's types leave it out. */
interface Internal {
  LanguageServer: new (inline: typeof program) => {
    run(call: { request: RunRequest }, callback: (error?: ServiceError) => void): void;
  };
}

let ended = false;
new (server as unknown as Internal).LanguageServer(program).run({ request }, (error) => {
  // The SDK calls back a second time after an error.
  if (ended) return;
  ended = true;
  if (error) process.stdout.write(error.message);
  process.exitCode = error ? 1 : 0;
});
