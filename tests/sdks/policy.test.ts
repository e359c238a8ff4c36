/** The example of a policy pack as Pulumi starts it, asked as the engine asks. */
import { strict as assert } from "node:assert";
import * as path from "node:path";

import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import {
  AnalyzeRequest,
  type AnalyzeResponse,
  AnalyzerInfo,
  AnalyzerResource,
  AnalyzerResourceOptions,
  AnalyzeStackRequest,
  ConfigureAnalyzerRequest,
  PolicyConfig,
} from "@pulumi/pulumi/proto/analyzer_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";

import { ROOT } from "./sdk";
import { asked, INSECURE, type Started, start } from "./started";

const PACK = path.join(ROOT, "examples/policy");
const OWN = "registry.example.com:5000";
const IMAGE = `${OWN}/platform/pause:1.0.0`;
const OTHER = "registry.k8s.io/pause:3.10";
/** What stands for a value that a preview does not know. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

type Props = Record<string, JavaScriptValue>;
const command = (image: string): string => `sh .pause-sandbox-0123456789abcdef.sh apply node=a image=${image}`;
/** As they are where a program gives none. */
const options = (): AnalyzerResourceOptions =>
  new AnalyzerResourceOptions().setCustomtimeouts(new AnalyzerResourceOptions.CustomTimeouts());
const said = (answer: AnalyzeResponse): string[] =>
  answer.getDiagnosticsList().map((one) => `${one.getPolicyname()}: ${one.getMessage()}`);

describe("the example of a policy pack, started by Pulumi for a preview", function () {
  this.timeout("2m");
  let started: Started;
  let client: AnalyzerClient;

  before(async () => {
    started = await start("run-policy-pack", ["engine", PACK], PACK, { PULUMI_NODEJS_DRY_RUN: "true" });
    client = new AnalyzerClient(started.address, INSECURE);
    const set = new PolicyConfig().setProperties(Struct.fromJavaScript({ registry: OWN }));
    const request = new ConfigureAnalyzerRequest();
    for (const policy of ["sandbox-image-before-nodes", "sandbox-image-of-stack"]) {
      request.getPolicyconfigMap().set(policy, set);
    }
    await asked<Empty>((done) => client.configure(request, done));
  });
  after(() => {
    client.close();
    started.end();
  });

  async function ofNode(props: Props): Promise<string[]> {
    const request = new AnalyzeRequest().setType("command:remote:Command").setUrn("urn:pulumi:a::b::c::d").setName("d");
    request.setProperties(Struct.fromJavaScript(props)).setOptions(options());
    return said(await asked<AnalyzeResponse>((done) => client.analyze(request, done)));
  }

  async function ofStack(resources: Record<string, Props>): Promise<string[]> {
    const all = Object.entries(resources).map(([type, props]) => {
      const resource = new AnalyzerResource().setType(type).setUrn("urn:pulumi:a::b::c::d").setName("d");
      return resource.setProperties(Struct.fromJavaScript(props)).setOptions(options());
    });
    const request = new AnalyzeStackRequest().setResourcesList(all);
    return said(await asked<AnalyzeResponse>((done) => client.analyzeStack(request, done)));
  }

  it("names its policies, and a version", async () => {
    const info = await asked<AnalyzerInfo>((done) => client.getAnalyzerInfo(new Empty(), done));
    const names = info.getPoliciesList().map((policy) => policy.getName());
    assert.deepEqual(names, ["sandbox-image-before-nodes", "sandbox-image-of-stack"]);
    assert.match(info.getVersion(), /^\d+\.\d+\.\d+$/);
  });

  it("stops a node that is told an image of another registry, and no other", async () => {
    assert.deepEqual(await ofNode({ create: command(IMAGE) }), []);
    const [violation, ...more] = await ofNode({ create: command(OTHER) });
    assert.match(violation ?? "", new RegExp(`${OTHER} is not allowed: the sandbox image must come from ${OWN}`));
    assert.deepEqual(more, []);
  });

  it("says nothing of reports that the preview does not know yet, and looks at references", async () => {
    const node = { create: command(IMAGE), stdout: UNKNOWN };
    const stack = (reference: string) => ({
      "pause-sandbox:index:PauseSandbox": { reference },
      "command:remote:Command": node,
    });
    assert.deepEqual(await ofStack(stack(IMAGE)), []);
    assert.equal((await ofStack(stack(OTHER))).length, 1);
  });
});
