/** The diagrams of the documentation: what is drawn is what the text source says. Needs no graphviz. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.join(__dirname, "../..");
const folder = path.join(root, "docs/diagrams");
const sources = fs.readdirSync(folder).filter((name) => name.endsWith(".dot"));

const read = (name: string): string => fs.readFileSync(path.join(folder, name), "utf8");
const drawing = (source: string): string => read(source.replace(/\.dot$/, ".svg"));

const plain = (text: string): string =>
  text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/&(lt|gt|amp|quot);/g, entity);
const entity = (_: string, name: string): string => ({ lt: "<", gt: ">", quot: '"' })[name] ?? "&";

/** Words with what stands beside them, sorted: the order of the boxes is graphviz' own. */
const sorted = (lines: string[]): string[] => lines.flatMap((line) => line.trim().split(/\s+/)).sort();

const labels = (dot: string): string[] =>
  [...dot.matchAll(/\blabel\s*=\s*"([^"]*)"/g)].flatMap(([, text = ""]) => text.split("\\n"));
const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => plain(text));

/** SVG gives its width in points, of which a browser makes 4/3 pixels. */
const pixels = (svg: string): number => (Number(/<svg width="(\d+)pt"/.exec(svg)?.[1]) * 4) / 3;

describe("A diagram", () => {
  it("is drawn from each source", () => {
    assert.ok(sources.length > 0);
  });

  for (const source of sources) {
    it(`${source} shows the words of its source, and no others`, () => {
      assert.deepEqual(sorted(texts(drawing(source))), sorted(labels(read(source))));
    });

    it(`${source} is at most 900 pixels wide, on a ground of its own for dark pages`, () => {
      assert.ok(pixels(drawing(source)) <= 900, `${pixels(drawing(source))} pixels`);
      assert.match(drawing(source), /<polygon fill="white"/);
    });
  }
});
