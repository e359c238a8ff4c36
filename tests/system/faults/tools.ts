/** A tool that the script runs is not on the node. */
import type { Attempt, Fault, Injected } from "./fault";
import { joinedScript } from "../../../components/node/program";

/** What the script itself says that it runs. */
const TOOLS = (/^tools='([^']*)'/m.exec(joinedScript())?.[1] ?? "").split(" ");

/** Those that the command runs to check the script, before the script itself can look for tools. */
const CHECKING = ["cat", "mkdir", "mv", "sha256sum"];

const HIDE = 'file=$(command -v "$1"); mv "$file" "$file.gone"; printf %s "$file"';

/** By busybox, since the tool that is gone may be mv. */
const SHOW = 'busybox mv "$1.gone" "$1"';

/** Back before the node is looked at, which takes some of them. */
async function missingTool({ target, to, turn }: Attempt): Promise<Injected> {
  const { state } = target;
  const tool = TOOLS[turn - 1] ?? "";
  const file = await target.sh(HIDE, tool);
  const run = await target.run(to).finally(() => target.sh(SHOW, file));
  const says = CHECKING.includes(tool) ? `${tool}: not found` : `PS-N003 ${tool} is not on PATH`;
  if (!run.stderr.includes(says)) throw new Error(`it does not name ${tool}:\n${run.stderr}`);
  if (run.status !== 3) throw new Error(`without ${tool} it ends with ${run.status}:\n${run.stderr}`);
  return { run, next: state, note: tool };
}

export const tools: Fault[] = [
  {
    name: "tool missing",
    runs: { long: TOOLS.length, short: 1 },
    turns: () => Promise.resolve(TOOLS.length),
    says: /PS-N003|PS-N027/,
    inject: missingTool,
  },
];
