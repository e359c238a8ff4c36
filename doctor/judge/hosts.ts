/** Near misses: files that look as if they said how a registry is reached, and that containerd does not read. */
import type { Facts } from "../facts";
import type { Finding } from "../finding";
import type { PulledImage } from "../pulledImage";
import { hostsFile, isMisread } from "../routes";

const miss = (what: string, remedy: string): Finding => ({
  code: "PS-D014",
  kind: "a file of certs.d that is ignored",
  fatal: true,
  what,
  remedy,
});

export function nearMisses(facts: Facts, image: PulledImage): Finding[] {
  const { registry, runtime } = facts;
  if (!registry || runtime?.name !== "containerd") return [];
  const dir = registry.directory;
  if (isMisread(runtime)) {
    return [
      miss(`config_path is "${runtime.configPath}", which containerd takes for one directory`, "Name one directory"),
    ];
  }
  if (runtime.configPath === "" && registry.directories.includes(image.registry)) {
    return [
      miss(
        `${dir}/${image.registry} exists, but config_path is not set in ${runtime.target}, so containerd does not read it`,
        `Set config_path = "${dir}" in its registry table and restart containerd, or let a stack do it`,
      ),
    ];
  }
  const file = hostsFile(facts, image);
  if (!file) return [...wrongFile(facts, image), ...wrongDirectory(facts, image)].slice(0, 1);
  return file.entries.some((entry) => entry.startsWith("ca\t")) &&
    !file.entries.some((entry) => /^host\|[^|]+\|ca\t/.test(entry))
    ? [
        miss(
          `${file.path} has ca outside of a [host] table, where it has no effect for that host`,
          `Put ca into [host."https://${image.registry}"]`,
        ),
      ]
    : [];
}

function wrongFile({ registry }: Facts, image: PulledImage): Finding[] {
  const own = registry?.files.find(
    ({ path }) => path.startsWith(`${registry.directory}/${image.registry}/`) && path.endsWith(".toml"),
  );
  return own ? [miss(`${own.path} is not read: the name of the file must be hosts.toml`, "Rename it")] : [];
}

function wrongDirectory({ registry }: Facts, image: PulledImage): Finding[] {
  const own = [image.registry, image.registry.replace(/:(\d+)$/, "_$1_")];
  const other = registry?.directories.find(
    (name) => !own.includes(name) && name.replace(/[:_]\d+_?$/, "") === image.host,
  );
  return other === undefined
    ? []
    : [
        miss(
          `${registry?.directory ?? ""}/${other} is not read for ${image.registry}: name and port must be the same`,
          `Rename it to ${image.registry}`,
        ),
      ];
}
