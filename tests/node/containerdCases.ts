/**
 * Configurations of containerd that a copy of its grammar gets wrong, in cases/containerd/, with what is right for which
 * version. The folders are laid over /etc/containerd.
 */
export interface Case {
  /** The folder. */
  name: string;
  /** Versions, as the start of a version number: `2.` or `2.3.`. */
  versions: string[];
  /** The file that is to be changed. @default "config.toml" */
  target?: string;
  /** The line that the file then has. */
  line?: RegExp;
  /** What a refusal says. The node is untouched, and the exit code is 3. */
  refused?: RegExp;
}

const v1 = ["1."];
const v2 = ["2."];
/** Those that read a version 2 table, or [plugins.cri], in a file without a version. */
const since23 = ["2.3.", "2.4."];
/** Those that read nothing of ours there. */
const until22 = ["2.0.", "2.1.", "2.2."];

const dropin = "conf.d/zz-pause-sandbox.toml";
const old = /^\s*sandbox_image = "registry\.example\.org/m;
const pinned = /^\s*sandbox = "registry\.example\.org/m;
const disabled = /PS-N024 .*disabled_plugins/;
const unversioned = /PS-N014 .*config\.toml has no version.*write "version = /;

export const cases: Case[] = [
  { name: "R-cri813-v1", versions: [...v1, ...since23], line: old },
  { name: "R-cri813-v1", versions: until22, refused: unversioned },
  { name: "P-v1-cri-23", versions: [...v1, ...since23], line: old },
  { name: "P-v1-cri-23", versions: until22, refused: unversioned },
  { name: "Q-ctd5237-noversion-newtable", versions: since23, line: old },
  { name: "Q-ctd5237-noversion-newtable", versions: until22, refused: /write "version = 2" at its top/ },
  { name: "N-comment-only", versions: v2, line: /^version = 3$/m },
  { name: "N-comment-only", versions: v1, line: old },
  { name: "R-docker-package", versions: [...v1, ...v2], refused: disabled },
  { name: "R-docker-package-cri-on", versions: [...v1, ...since23], line: old },
  { name: "R-docker-package-cri-on", versions: until22, refused: /write "version = 3" at its top/ },
  { name: "N-v3-with-old-table", versions: since23, line: old },
  { name: "N-v3-with-old-table", versions: until22, line: pinned },
  { name: "N-imports-tab", versions: v1, target: "conf.d/99-nvidia.toml", line: old },
  { name: "N-imports-tab", versions: v2, target: dropin, line: old },
  { name: "P-imports-tab-dropin-sets", versions: v1, target: "conf.d/50-site.toml", line: old },
  { name: "P-imports-tab-dropin-sets", versions: v2, target: dropin, line: old },
  { name: "P-v3-main-v2-literal-dropin", versions: [...v1, ...v2], target: "site.toml", line: old },
  { name: "P-v2-main-v3-literal-dropin", versions: [...until22, "2.3.7", "2.4."], target: "site.toml", line: pinned },
  { name: "P-v2-main-v3-literal-dropin", versions: [...v1, "2.3.3"], refused: /PS-N007 .*config version/ },
  { name: "N-no-version-imports", versions: v1, target: "conf.d/99-nvidia.toml", line: old },
  { name: "N-no-version-imports", versions: v2, target: dropin, line: old },
  { name: "N-imports-nested", versions: [...v1, ...v2], target: "b.toml", line: old },
  { name: "N-imports-dotfile", versions: v1, target: "conf.d/.nvidia.toml", line: old },
  { name: "N-imports-dotfile", versions: v2, target: dropin, line: old },
  { name: "N-imports-glob-then-literal", versions: v2, target: "site.toml", line: pinned },
  { name: "N-collation", versions: v1, target: "conf.d/a-base.toml", line: old },
  { name: "N-collation", versions: v2, target: dropin, line: old },
  { name: "N-bom", versions: v1, line: old },
  { name: "N-bom", versions: v2, refused: /PS-N007 .*invalid character/ },
  { name: "C-kata-stale-import", versions: v2, refused: /PS-N014 .* imports \/opt\/kata\S+, which does not exist: / },
  { name: "C-kata-stale-import", versions: v1, refused: /PS-N007 .*\/opt\/kata\S+: no such file or directory/ },
  { name: "C-kata-import", versions: v1, target: "kata-deploy.toml", line: old },
  { name: "C-kata-import", versions: v2, line: old },
];
