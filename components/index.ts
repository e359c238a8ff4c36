export {
  type LeftOut,
  nodesOfCluster,
  type NodesOfCluster,
  type NodesOfClusterArgs,
  type NodeSelection,
} from "./sources/cluster";
export { hostsOfInventory, type InventoryHost } from "./sources/inventory";
export { hostKeyOf } from "./sources/knownHosts";
export { type IncludeReader, type JumpHost, type SshConfigHost, sshHostOf } from "./sources/sshConfig";
export { type BootPayloads, BootSetup, type BootSetupArgs, type BootSetupOptions } from "./boot/bootSetup";
export type { HostAddress } from "./host";
export type { SshConnection, SshHost } from "./node/connection";
export { HandmadePod, type HandmadePodArgs } from "./sample/handmadePod";
export { LocalhostPod, type LocalhostPodArgs } from "./sample/localhostPod";
export { type NodeReport, NodeStatus, PauseUse, Runtime } from "./node/nodeScript";
export { type ImageSigning, PauseImage, type PauseImageArgs, PauseImageSource } from "./image/pauseImage";
export { PauseSandbox } from "./pauseSandbox";
export { type PauseSandboxArgs, type ProofArgs, ProofScope, Reconcile } from "./pauseSandboxArgs";
export { SandboxNode, type SandboxNodeArgs } from "./node/sandboxNode";
export type { PullLogin, RegistryLogin } from "./registry/login";
export type { ClusterNode, RolloutGroup } from "./clusterNode";
export type { RegistryTrust } from "./registry/trust";
