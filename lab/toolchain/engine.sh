#!/usr/bin/env bash
# The docker engine of the lab: `start` uses the one that answers or starts one, `stop` ends only one started here.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in log engine; do
  # shellcheck source=/dev/null
  . "$here/lib/$part.sh"
done

case ${1:-} in
  start) engine_start ;;
  stop) engine_stop ;;
  *)
    echo 'usage: lab/toolchain/engine.sh start|stop' >&2
    exit 2
    ;;
esac
