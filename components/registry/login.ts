import type * as pulumi from "@pulumi/pulumi";

/** Credentials for a registry: for pushing an image, or for nodes that pull it. Its host is that of the reference. */
export interface RegistryLogin {
  /** The user of the login. */
  username: pulumi.Input<string>;
  /** The password of the login. Kept secret in state, whether or not it is given as a secret. */
  password: pulumi.Input<string>;
}
