# shellcheck shell=sh
# Facts: what this node is and has, for `pause-sandbox doctor`. Nothing is changed: what is noted on the way lies in memory.
# Each function prints JSON. What it means is judged by doctor/, not here.

# fact NAME FUNCTION: one line on stdout, with what FUNCTION prints, or with why there is nothing. Writes $scratch/value,
# $scratch/why.
fact() {
  set +e
  (
    set -e
    "$2"
  ) >"$scratch/value" 2>"$scratch/why"
  status=$?
  set -e
  if [ "$status" = 0 ]; then
    # crictl writes over many lines; within a text a newline is escaped.
    printf '{"fact":"%s","value":%s}\n' "$1" "$(tr '\n' ' ' <"$scratch/value")"
  else
    untold "$1" "$scratch/why"
  fi
  return "$status"
}

# untold NAME FILE: why there is no such fact, by the last line of FILE.
untold() { printf '{"fact":"%s","failed":%s}\n' "$1" "$(tail -n 1 "$2" | json_text)"; }

# json_string TEXT: as JSON writes it, quotes and all.
json_string() { lines "$1" | awk "$json_program"'{ text = text (NR > 1 ? "\n" : "") $0 } END { printf "%s", json(text) }'; }

# The lines on stdin as the inside of a JSON array.
json_list() { awk "$json_program"'$0 != "" { printf "%s%s", sep, json($0); sep = "," }'; }

# The text on stdin as JSON.
json_text() { json_string "$(cat)"; }

# needs TOOL: without it there is no answer. Dies with PS-N003.
needs() { command -v "$1" >/dev/null || die 003 "$1 is not on PATH ($PATH)"; }

# The node itself. Its clock decides what it thinks of a certificate.
host_fact() {
  printf '{"architecture":%s,"cgroups":%s,"epochSeconds":%s,"kubernetes":%s,"name":%s}' "$(architecture | json_text)" \
    "$(case $(stat -f -c %T /sys/fs/cgroup) in cgroup2*) echo 2 ;; *) echo 1 ;; esac)" "$(now_seconds)" \
    "$(if has_kubelet; then echo true; else echo false; fi)" "$(json_string "$node")"
}

# Is there anything here that starts Pods: a unit by a name that we know, or a process? Reads systemd.
has_kubelet() {
  for one in kubelet k3s k3s-agent rke2-server rke2-agent k0scontroller k0sworker snap.kubelet.daemon snap.microk8s.daemon-kubelite; do
    if loaded "$one"; then return 0; fi
  done
  cat /proc/[0-9]*/comm 2>/dev/null | grep -qx kubelet
}

# The time of this node, in seconds. Writes $scratch/now.
now_seconds() {
  : >"$scratch/now"
  stat -c %Y "$scratch/now"
}

# Which runtime the node has, and what that says of its sandbox image. A `config_path` that is to be another one is misread as it is.
runtime_fact() {
  misread=false
  if [ -n "${trust_before:-}" ] && [ "${config_path:-"$trust_before"}" != "$trust_before" ]; then misread=true; fi
  printf '{"configPath":%s,"image":%s,"misread":%s,"name":%s,"socket":%s,"startedSeconds":%s,"target":%s,"unit":%s,"version":%s}' \
    "$(json_string "${trust_before:-}")" "$(json_string "${sandbox_before:-}")" "$misread" "$(json_string "$runtime_name")" \
    "$(json_string "${socket:-}")" "$(started_seconds "$daemon")" "$(json_string "$target")" "$(json_string "$unit")" \
    "$(json_string "$runtime_version")"
}

# Finds the runtime and reads what it is told. Dies as `plan` does.
read_runtime() {
  detect
  mkdir -p "$plan"
  : >"$plan/seen"
  "${runtime}_read"
}

# started_seconds UNIT: when its process was started, by this node's clock, to a hundredth: a sandbox may fail in the same second.
# 0 where none runs. Reads systemd, $proc. Writes $scratch/now.
started_seconds() {
  shown=$(systemctl show "$1" -p ExecMainStartTimestampMonotonic -p MainPID)
  property MainPID "$shown"
  case $property in
    '' | 0) since='' ;;
    # The unit of one that has ended keeps its time.
    *) since=$(lines "$shown" | sed -n 's/^ExecMainStartTimestampMonotonic=\([0-9]*\)[0-9]\{4\}$/\1/p') ;;
  esac
  if [ "$since" ]; then
    read -r up _ <"$proc/uptime"
    started=$(($(now_hundredths) - ${up%.*}${up#*.} + since))
    printf %s "${started%??}.${started#"${started%??}"}"
  else
    printf 0
  fi
}

# The time of this node, in hundredths of a second. Writes $scratch/now.
now_hundredths() {
  : >"$scratch/now"
  # A stat without fractions gives 00: too early, so that no failure is lost.
  stat -c '%Y %y' "$scratch/now" | sed 's/^\([0-9]*\) [^.]*\.\([0-9][0-9]\).*/\1\2/; t
    s/ .*/00/'
}

# What keeps the runtime from serving any Pod. Prints nothing but a list that is empty. Dies with PS-N005, PS-N024.
able_fact() {
  refuse_other_socket
  "${runtime}_serves"
  printf '[]'
}

# The lines of a runtime's file that say which image, which registries' directory, and which other files count. Values of
# other keys may be secret: they are not taken.
told='^[[:space:]]*((version|imports|sandbox_image|sandbox|pause_image|pause-image|config_path|disabled_plugins|runtime_type)[[:space:]]*[=:]|\[)'

# The files that the runtime reads. Reads $config, $target.
files_fact() {
  "${runtime}_lists"
  printf '['
  sep=''
  while IFS= read -r file; do
    [ -f "$file" ] || continue
    lines=$(grep -nE "$told" "$file" | sed 's/#.*//') || :
    printf '%s{"changedSeconds":%s,"lines":[%s],"path":%s}' "$sep" "$(stat -Lc %Y "$file")" \
      "$(lines "$lines" | json_list)" "$(json_string "$file")"
    sep=,
  done <"$plan/load"
  printf ']'
}

# What says how the registry of the image is reached, by the rules of its runtime.
registry_fact() { "${runtime}_reaches"; }

# The hosts.toml files of containerd in $certs. Reads $plan/before.
told_hosts() {
  login=false
  if grep -qF "|$registry|auth|" "$plan/before"; then login=true; fi
  printf '{"directories":[%s],"directory":%s,"diverts":[],"files":[' "$(names_in "$certs" | json_list)" "$(json_string "$certs")"
  sep=''
  for file in "$certs/${registry%:*}_${registry##*:}_"/* "$certs/$registry"/* "$certs/_default"/* "$certs/${registry%%:*}"/*; do
    [ -f "$file" ] || continue
    printf '%s{"entries":[%s],"path":%s}' "$sep" "$(entries_of "$file" | json_list)" "$(json_string "$file")"
    sep=,
  done
  printf '],"login":%s,"trusted":%s}' "$login" "$(trusted_files | json_text)"
}

# told_certificates DIVERTS LOGIN DIRECTORY…: the same of a runtime that reads each *.crt of directories by the registry's name.
# DIVERTS are files that may send a pull elsewhere, one per line, which are not read; LOGIN is true or false.
told_certificates() {
  printf '{"directories":[],"directory":%s,"diverts":[%s],"files":[],"login":%s,"trusted":' "$(json_string "$3")" \
    "$(lines "$1" | json_list)" "$2"
  shift 2
  for one; do for file in "$one/$registry"/*.crt; do if [ -f "$file" ]; then certificates_in "$file"; fi; done; done | json_text
  printf '}'
}

# has_login FILE…: `true` where one of these files names the registry. What it says is not taken.
has_login() { if grep -qsF "\"$registry\"" "$@" /dev/null; then printf true; else printf false; fi; }
names_in() { for one in "$1"/*; do [ ! -d "$one" ] || lines "${one##*/}"; done; }

# entries_of FILE: `path<TAB>value` of TOML; a header may hold a login, so its value is not taken.
entries_of() {
  case $1 in *.toml) toml_list <"$1" | awk -F '\t' '$1 ~ /[|]header[|]/ { print $1 "\t(not shown)"; next } { print }' ;; esac
}

# The certificates that the hosts.toml of the registry names, as PEM. They are public.
trusted_files() {
  hosts=''
  # The first directory that is there counts, as for trust_dir.
  for one in "${registry%:*}_${registry##*:}_" "$registry" _default; do
    [ "$hosts" ] || [ ! -d "$certs/$one" ] || hosts=$certs/$one/hosts.toml
  done
  [ -f "$hosts" ] || return 0
  toml_list <"$hosts" | awk -F '\t' '$1 ~ /(^|[|])ca$/ { print "ca\t" $2 }' | strings_of ca | sort -u | while IFS= read -r one; do
    case $one in /*) ;; *) one=${hosts%/*}/$one ;; esac
    [ ! -f "$one" ] || certificates_in "$one"
  done
}
certificates_in() { sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' "$1"; }

# The authorities that this node trusts for every server, in the place where Go's programs look first.
roots_fact() {
  for one in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/pki/tls/cacert.pem \
    /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/cert.pem; do
    [ -f "$one" ] || continue
    printf '{"packed":"%s","path":%s}' "$(certificates_in "$one" | gzip -c | base64 | tr -d '\n')" "$(json_string "$one")"
    return 0
  done
  printf '{"packed":"","path":""}'
}

# What the name of the registry means here.
name_fact() {
  needs getent
  host=${registry%:*}
  case $registry in '['*) host=${registry%%]*} host=${host#?} ;; esac
  printf '{"addresses":[%s],"host":%s}' "$(getent ahosts "$host" | awk '{ print $1 }' | sort -u | json_list)" "$(json_string "$host")"
}

# The proxies of the process that pulls, without their logins.
proxy_fact() {
  pid=$(pid_of "$("${runtime}_pulls")")
  printf '['
  if [ "${pid:-0}" != 0 ]; then
    lines_of "/proc/$pid/environ" | grep -iE '^(https?|no)_proxy=' | sed -E 's#=([a-z0-9]+://)?.*@#=\1#' | json_list
  fi
  printf ']'
}

# The disks on which sandboxes come to be: free bytes and inodes, and whether they can be written. Reads the runtime's directory.
disks_fact() {
  printf '['
  sep=''
  for dir in "$("${runtime}_home")" /var/lib/kubelet /var/log /run /tmp; do
    [ -d "$dir" ] || continue
    # Free blocks, their size, free inodes, all inodes: a file system may count none.
    # shellcheck disable=SC2046 # numbers
    set -- $(stat -f -c '%a %S %d %c' "$dir")
    printf '%s{"freeKilobytes":%s,"freeInodes":%s,"inodes":%s,"path":%s,"writable":%s}' "$sep" "$(($1 * ($2 / 512) / 2))" "$3" "$4" \
      "$(json_string "$dir")" "$(if [ -w "$dir" ]; then echo true; else echo false; fi)"
    sep=,
  done
  printf ']'
}

# asked_of_cri ARGUMENT…: what the runtime answers; one that hangs is left, and not asked again. Writes $scratch/refused,
# $scratch/silent. Fails with the last line of what went wrong on stderr.
asked_of_cri() {
  if [ -e "$scratch/silent" ]; then
    cat "$scratch/silent" >&2
    return 1
  fi
  status=0
  timeout 20 crictl --timeout 10s --runtime-endpoint "unix://$socket" --image-endpoint "unix://$socket" "$@" 2>"$scratch/refused" || status=$?
  case $status in
    0) return 0 ;;
    124) why='it gives no answer within 20 s' ;;
    *) why=$(sed -n '$s/^time=[^ ]* level=[a-z]* msg=//; $s/^FATA\[[0-9]*\] *//; $p' "$scratch/refused") ;;
  esac
  case $why in *'no answer'* | *'code = Unavailable'* | *'code = DeadlineExceeded'*) lines "$why" >"$scratch/silent" ;; esac
  lines "$why" >&2
  return "$status"
}

# The use of pause by the sandboxes of each runtime handler.
handlers_fact() {
  handlers=$("${namer}_handlers")
  HANDLERS=$handlers awk "$json_program"'BEGIN { printf "%s", pairs(ENVIRON["HANDLERS"]) }'
}

# The image as the runtime has it; `null` only where it says that it has none. crictl gives JSON.
image_fact() {
  asked_of_cri inspecti -o json "$sandbox_before" && return 0
  grep -qiE 'no such image|not found' "$scratch/refused" || return 1
  printf null
}

# What the runtime says of itself, and by which settings it runs. The rest of what it would print may hold logins.
# shellcheck disable=SC2016 # variables of the template
status_fact() {
  asked_of_cri info -o go-template --template '{"conditions":{{json .status.conditions}},
    "network":{{json (index . "lastCNILoadStatus")}},
    {{with index . "config"}}"image":{{json (index . "sandboxImage")}},
    {{with index . "registry"}}"configPath":{{json (index . "configPath")}},{{end}}
    {{with index . "containerd"}}{{$default := index . "defaultRuntimeName"}}
      {{with index . "runtimes"}}"handlers":[{{range $name, $_ := .}}{{json $name}},{{end}}""],
        {{with index . $default}}{{with index . "options"}}"systemdCgroup":{{json (index . "SystemdCgroup")}},{{end}}{{end}}
      {{end}}{{end}}{{end}}
    "runtimeHandlers":{{json (index . "runtimeHandlers")}}}'
}

# The newest sandbox that is ready: its Pod, its image, and when it was started; `null` where there is none.
sandbox_fact() {
  asked_of_cri pods --state Ready -q >"$scratch/sandboxes"
  read -r sandbox <"$scratch/sandboxes" || {
    printf null
    return 0
  }
  asked_of_cri inspectp -o go-template --template '{"created":{{json .status.createdAt}},"name":{{json .status.metadata.name}},
    "namespace":{{json .status.metadata.namespace}},"image":{{with index . "info"}}{{json (index . "image")}}{{else}}null{{end}}}' "$sandbox"
}

# The kubelet: its version, whether it runs, the files that set the flag that 1.35 has no longer, and settings that decide whether it
# starts.
kubelet_fact() {
  state=$(systemctl show kubelet -p ActiveState | sed -n 's/^ActiveState=//p')
  printf '{"cgroupDriver":%s,"failCgroupV1":%s,"flagged":[%s],"healthy":%s,"state":%s,"version":%s}' \
    "$(kubelet_told cgroup-driver cgroupDriver | json_text)" "$(kubelet_told fail-cgroupv1 failCgroupV1 | json_text)" \
    "$([ -z "$kubelet_version" ] || flagged | json_list)" "$(if kubelet_healthy; then echo true; else echo false; fi)" \
    "$(json_string "$state")" "$(json_string "$kubelet_version")"
}

# kubelet_told FLAG KEY: what the kubelet is told by its command line, else by its configuration; nothing where it is told nothing.
kubelet_told() {
  [ "$kubelet_version" ] || return 0
  given=$(option_in "$kubelet_words" '' "$1")
  printf %s "${given:-$(kubelet_setting "$2" "$kubelet_words")}"
}
flagged() {
  { unit_files && environment_files "$kubelet_show"; } | while IFS= read -r file; do
    [ ! -f "$file" ] || grep -nFe "$flag" "$file" | grep -vE '^[0-9]+:[[:space:]]*[#;]' | awk -F : -v file="$file" '{ print file ":" $1 }' || :
  done
}

# What runtime and kubelet have said of late of sandboxes, started or not, and of why the kubelet ended: the last lines,
# verbatim, with their time.
events_fact() {
  needs journalctl
  journalctl --no-pager -q -o short-unix -n 10000 -u "$daemon" -u kubelet |
    grep -E 'RunPodSandbox for .*(failed, error|returns sandbox id)|Failed to create sandbox for pod|CreatePodSandbox for pod "|Ran pod sandbox |"command failed"|failed to run Kubelet|unknown flag: |Unable to register node with API server|Successfully registered node|Failed to ensure lease exists' |
    tail -n 100 >"$scratch/events" || :
  printf '[%s]' "$(json_list <"$scratch/events")"
}
