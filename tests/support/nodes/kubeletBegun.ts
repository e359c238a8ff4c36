/**
 * A shell command for a node: waits while the kubelet's process is still systemd itself, about to run the kubelet. Until then its command
 * line is systemd's word, and `systemctl restart` returns before. Where none runs, there is nothing to wait for.
 */
export const KUBELET_BEGUN = `
while case $(readlink "/proc/$(systemctl show kubelet -p MainPID --value)/exe") in
  */systemd | */systemd-executor) ;;
  *) false ;;
esac; do sleep 0.1; done`;
