export type { SshConnection, SshHost } from "./connection";
export { HandmadePod, type HandmadePodArgs } from "./handmadePod";
export { LocalhostPod, type LocalhostPodArgs } from "./localhostPod";
export type { NodeReport } from "./nodeScript";
export { PauseImage, type PauseImageArgs, PauseImageSource, type RegistryLogin } from "./pauseImage";
export { type ClusterNode, PauseSandbox, type PauseSandboxArgs, type ProofArgs, ProofScope } from "./pauseSandbox";
export { type RegistryTrust, SandboxNode, type SandboxNodeArgs } from "./sandboxNode";
