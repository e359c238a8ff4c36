/**
 * What pause costs, each figure next to upstream's pause in the same run: `make bench-pause`.
 *
 * Upstream is compiled on the spot from the Kubernetes module, by the same compiler. What cannot be measured here is
 * named with the reason, and is not an error.
 */
import Table from "cli-table3";
import { host, ownPause, upstreamModule, upstreamPause } from "../tests/pause/fixture";
import { architectures, fileBytes, instructions, memory, type Pair } from "./pauseFigures";
import { imageBytes, sandboxBytes } from "./pauseImages";

type Row = [figure: string, own: string, upstream: string, remark: string];

/** A figure's row; a reason instead of figures where it could not be measured. */
function row(figure: string, { own, upstream, skipped }: Pair, unit = "B"): Row {
  const show = (value: number | undefined) =>
    value === undefined ? "–" : `${value.toLocaleString("en")} ${unit}`.trim();
  const ratio = own && upstream ? `1/${(upstream / own).toFixed(upstream < own * 10 ? 2 : 0)}` : "";
  return [figure, show(own), show(upstream), skipped === undefined ? ratio : `skipped: ${skipped}`];
}

async function main(): Promise<void> {
  const table = new Table({
    head: ["", "own", "upstream", ""],
    colAligns: ["left", "right", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  const images = { own: ownPause(), upstream: upstreamPause() };

  for (const arch of architectures) {
    table.push(row(`file, ${arch}`, fileBytes(arch)));
  }
  table.push(row(`image as pushed, ${host.arch}`, await imageBytes(images)));
  const occupied = await memory(images);
  table.push(row("RSS", occupied.rss, "kB"));
  table.push(row("of which anonymous", occupied.anonymous, "kB"));
  table.push(row("page tables", occupied.pageTables, "kB"));
  table.push(row("instructions from exec to ready", instructions(images), ""));
  const sandboxes = sandboxBytes(images);
  table.push(row("one more sandbox on a node (memcg, median)", sandboxes.sandbox));
  table.push(row("its shim beside it (PSS)", sandboxes.shim));

  console.log(`pause, own and upstream's (${upstreamModule}), on ${host.arch}`);
  console.log(table.toString());
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
