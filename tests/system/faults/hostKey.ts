/** The host that answers is not the one that is known, or does not answer at all. */
import type { Attempt, Fault, Injected } from "./fault";
import { connectionTo } from "./killed";
import { messageOf } from "../../../components/errors";
import { readLab } from "../../../lab/cluster";
import { connected } from "../../../lab/plugins/command/connection";

/** Another key in the place of the host's own, as after a reinstallation, or as somebody else in its place has it. */
const OTHER_KEY = `
ssh-keygen -q -t ed25519 -N '' -f /run/other_key
mount --bind /run/other_key /etc/ssh/ssh_host_ed25519_key
systemctl restart ssh`;

const OWN_KEY = `
umount /etc/ssh/ssh_host_ed25519_key
rm /run/other_key /run/other_key.pub
systemctl restart ssh`;

async function otherHostKey({ target, afterwards }: Attempt): Promise<Injected> {
  await target.sh(OTHER_KEY);
  afterwards(() => target.sh(OWN_KEY));
  const login = connected(
    connectionTo(target, readLab()),
    new AbortController().signal,
    () => undefined,
    () => Promise.resolve("logged in"),
  );
  const answer = await login.catch(messageOf);
  if (!answer.includes("host key mismatch")) throw new Error(`a host with another key is answered with: ${answer}`);
  return { note: "refused" };
}

export const hostKey: Fault[] = [{ name: "host key changed", runs: { long: 4, short: 1 }, inject: otherHostKey }];
