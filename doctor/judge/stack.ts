/** A node beside its stack: the image that is in effect, and the bytes that it stands for. */
import type { Facts, RuntimeFact } from "../facts";
import type { Finding } from "../finding";

export interface WantedImage {
  readonly image: string;
  readonly digest?: string;
  /** Whether the stack gives nodes a CA. */
  readonly ca?: boolean;
  /** Whether the image goes to the nodes with the script. */
  readonly carried?: boolean;
  /** Whether nodes import a carried image again where it is deleted (`selfHeal`). */
  readonly heals?: boolean;
}

export function againstStack({ image: found }: Facts, runtime: RuntimeFact, { image, digest }: WantedImage): Finding[] {
  if (runtime.image !== image) {
    const what = `the sandbox image is ${runtime.image}, and the stack has ${image}`;
    const remedy = "Run pulumi up with another recheck. pause-sandbox check says which file differs";
    return [{ code: "PS-D023", kind: "another image than the stack's", fatal: false, what, remedy }];
  }
  const digests = found?.status.repoDigests ?? [];
  if (digest === undefined || digests.length === 0 || digests.some((one) => one.endsWith(`@${digest}`))) return [];
  const what = `the node has ${image} as ${digests[0] ?? ""}, and the stack has ${digest}`;
  const remedy = "Somebody has moved the tag. Push under a new tag, and set reference to it";
  return [{ code: "PS-D024", kind: "another digest than the stack's", fatal: false, what, remedy }];
}
