/** Which image is in effect, which file and line sets it, and what was meant and does not count. */
import type { FileFact, Facts, RuntimeFact } from "../facts";
import type { Evidence, Finding } from "../finding";

interface Setting {
  readonly image: string;
  /** `/etc/containerd/config.toml:12`. */
  readonly place: string;
}

/** Every line that sets a sandbox image, in the order in which files are read. */
export function settingsOf(files: readonly FileFact[]): Setting[] {
  return files.flatMap(({ lines, path }) =>
    lines.flatMap((line) => {
      const found = /^(\d+):\s*(?:sandbox_image|sandbox|pause_image|pause-image)\s*[=:]\s*["']?([^"'\s]+)/.exec(line);
      return found ? [{ place: `${path}:${found[1] ?? ""}`, image: found[2] ?? "" }] : [];
    }),
  );
}

export function imageEvidence(facts: Facts, runtime: RuntimeFact): Evidence[] {
  const all = settingsOf(facts.files ?? []);
  const setting = [...all].reverse().find(({ image }) => image === runtime.image);
  const from = setting ? `set in ${setting.place}` : `the default of ${runtime.name} ${runtime.version}`;
  const lost = all.filter(({ image }) => image !== runtime.image);
  return [
    { is: "yes", text: `sandbox image ${runtime.image}: ${from}` },
    ...lost.map(({ image, place }): Evidence => ({ is: "yes", text: `${place} sets ${image}, which has no effect` })),
  ];
}

/** Where kubeadm and containerd have theirs from: nobody chose those. */
const UPSTREAM = /^(registry\.k8s\.io|k8s\.gcr\.io)\//;

/** An image that somebody has set, and that the runtime does not take from there. */
export function lostSettings(facts: Facts, runtime: RuntimeFact): Finding[] {
  // k3s writes what its own files say into containerd's at its start.
  if (isGenerated(runtime)) return [];
  const all = settingsOf(facts.files ?? []);
  const winner = [...all].reverse().find(({ image }) => image === runtime.image);
  const losers = all.filter(({ image }) => image !== runtime.image && !(winner && UPSTREAM.test(image)));
  return losers.slice(-1).map((loser) => lost(loser, winner, runtime));
}

/** Where each runtime reads its sandbox image. */
function settingOf({ name, version, target }: RuntimeFact): string {
  switch (name) {
    case "containerd":
      return version.startsWith("1.")
        ? 'sandbox_image in [plugins."io.containerd.grpc.v1.cri"], with version = 2 at the top'
        : 'sandbox in [plugins."io.containerd.cri.v1.images".pinned_images], with version = 3 at the top';
    case "cri-o":
      return "pause_image in [crio.image], in the last file of crio.conf.d";
    case "k3s":
    case "rke2":
      return `pause-image in ${target.replace(/\.d\/[^/]*$/, "")}`;
    default:
      return `--pod-infra-container-image in the unit of ${name}`;
  }
}

function lost({ image, place }: Setting, winner: Setting | undefined, runtime: RuntimeFact): Finding {
  const { name, version, image: used } = runtime;
  const sets = `${place} sets ${image}`;
  return {
    code: "PS-D015",
    kind: "a setting without effect",
    fatal: true,
    image,
    what: winner
      ? `${sets}, and ${winner.place}, which overrides it, sets ${winner.image}`
      : `${sets}, and ${name} ${version} does not read it there. It uses ${used}`,
    remedy: winner
      ? `Remove the line from ${winner.place.replace(/:\d+$/, "")}, or let a stack set the image in effect`
      : `Set ${settingOf(runtime)}, or let a stack do it`,
  };
}

/**
 * Whether the daemon has what its files say. Its own word counts; where it has none, the time of the last change of content, from which
 * nothing follows for certain.
 * @param fails Whether sandboxes fail at their image: then this is why.
 */
export function editedSince(facts: Facts, runtime: RuntimeFact, fails: boolean): Finding[] {
  const { name, unit, startedSeconds, image, configPath } = runtime;
  if (startedSeconds === 0) return [];
  const newer = (facts.files ?? []).find(({ changedSeconds }) => changedSeconds > startedSeconds + 1);
  const asked = isGenerated(runtime) ? settingsOf(facts.files ?? []).pop()?.image : undefined;
  const wanted = asked ?? image;
  const daemon = asked === undefined ? imageOfDaemon(facts, startedSeconds) : image;
  const path = facts.status?.configPath ?? undefined;
  const has =
    daemon !== undefined && daemon !== wanted
      ? `has ${daemon} as its sandbox image`
      : name === "containerd" && path !== undefined && path !== configPath
        ? `has config_path "${path}"`
        : undefined;
  // CRI-O takes most of its settings without a restart.
  if (has === undefined && (daemon !== undefined || !newer || name === "cri-o")) return [];
  const file = newer?.path ?? runtime.target;
  const edited = newer ? `${file} was edited after ${name} was started` : `${file} says ${wanted}`;
  return [
    {
      code: "PS-D016",
      kind: "a runtime that was not restarted",
      fatal: has !== undefined && fails,
      what: has === undefined ? `${edited}, which may still run on what it read then` : `${edited}, which still ${has}`,
      remedy:
        name === "cri-o" ? `Run: systemctl reload ${unit}` : `Run: systemctl restart ${unit}. Running containers go on`,
    },
  ];
}

const isGenerated = ({ name }: RuntimeFact): boolean => name === "k3s" || name === "rke2";

/** What the daemon says, else the image of a sandbox that it has started since. */
function imageOfDaemon({ status, sandbox }: Facts, startedSeconds: number): string | undefined {
  if (status?.image) return status.image;
  const since = sandbox && Date.parse(sandbox.created) / 1000 > startedSeconds;
  return since ? (sandbox.image ?? undefined) : undefined;
}
