import type * as pulumi from "@pulumi/pulumi";

/** Credentials for a registry: for pushing an image, or for nodes that pull it. Its host is that of the reference. */
export interface RegistryLogin {
  /** The user of the login. */
  username: pulumi.Input<string>;
  /** The password of the login. Kept secret in state, whether or not it is given as a secret. */
  password: pulumi.Input<string>;
}

/** Credentials for nodes that pull the image. */
export interface PullLogin extends RegistryLogin {
  /**
   * Leave the login on the node, in a file that only root can read: the runtime can then pull a lost image by itself. If false, only the
   * run that pulls has it. Nodes are not compared by it: another one changes nothing on them. Use false for tokens that end, and for
   * cri-dockerd and the dockershim. Default: true.
   */
  keep?: pulumi.Input<boolean>;
}
