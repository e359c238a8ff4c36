/**
 * What pause costs, each figure next to upstream's pause in the same run: `make bench-pause`.
 *
 * Upstream is compiled on the spot from the Kubernetes module, by the same compiler. What cannot be measured here is
 * named with the reason, and is not an error. Limits that are broken are: see pauseTable.ts.
 */
import { lineLog } from "../log";
import { host, ownPause, upstreamModule, upstreamPause } from "../../tests/support/pause/fixture";
import { architectures, fileBytes, instructions, memory } from "./pauseFigures";
import { imageBytes, sandboxBytes } from "./pauseImages";
import { broken, render, type Row } from "./pauseTable";

async function main(): Promise<void> {
  const images = { own: ownPause(), upstream: upstreamPause() };
  const files = architectures.map((arch) => ({ arch, pair: fileBytes(arch) }));
  const occupied = await memory(images);
  const sandboxes = await sandboxBytes(images, lineLog());
  const rows: Row[] = [
    ...files.map(({ arch, pair }) => ({ figure: `file, ${arch}`, pair })),
    { figure: `image as pushed, ${host.arch}`, pair: await imageBytes(images) },
    { figure: "RSS", pair: occupied.rss, unit: "kB" },
    { figure: "of which anonymous", pair: occupied.anonymous, unit: "kB" },
    { figure: "page tables", pair: occupied.pageTables, unit: "kB" },
    { figure: "instructions from exec to ready", pair: instructions(images), unit: "" },
    { figure: "one more sandbox on a node (memcg, median)", pair: sandboxes.sandbox },
    { figure: "its shim beside it (PSS)", pair: sandboxes.shim },
  ];

  console.log(`pause, own and upstream's (${upstreamModule}), on ${host.arch}\n\n${render(rows)}`);
  for (const line of broken(files.find(({ arch }) => arch === "amd64")?.pair ?? {}, occupied.rss)) {
    console.error(`broken limit: ${line}`);
    process.exitCode = 1;
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
