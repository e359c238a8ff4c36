/** What every host is to have, for every contender the same. */
export interface Wanted {
  hosts: string[];
  reference: string;
  registry: string;
  digest: string;
  /** The certificates themselves. */
  ca: string;
  /** Of every host: one sshd answers for all. */
  hostKey: string;
  /** A file that holds the private key to log in with. */
  keyFile: string;
  /** Raised, it has this project look at every host again. */
  recheck: number;
}
