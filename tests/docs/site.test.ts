/** The documentation as a site: built as `make docs` does, and read in a browser. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Browser } from "playwright-core";

import { PAGES, ROOT } from "../../docs/site/contents";
import { deadLinks, pathIn } from "./links";
import { serve, type Server } from "./server";
import { newTab, open, start, type Visit, visitAll } from "./visit";

/** Paths of the files below a folder. */
const filesBelow = (folder: string): string[] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

/** Names that the package exports, as agreed on. */
const exported = (): string[] => {
  const api = fs.readFileSync(path.join(ROOT, "tests/unit/package/api.txt"), "utf8");
  const names = /^export (?:declare )?(?:class|const|enum|function|interface|type) (\w+)/gm;
  return [...new Set([...api.matchAll(names)].map(([, name = ""]) => name))];
};

describe("The site of the documentation", function () {
  // The machine may be busy with other work.
  this.timeout(600_000);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-docs-"));
  let built: { status: number | null; output: string };
  let server: Server;
  let browser: Browser;
  let visits: Visit[];

  before(async () => {
    const { status, stdout, stderr } = spawnSync("node", ["--import", "tsx", "docs/site/build.ts", folder], {
      cwd: ROOT,
      encoding: "utf8",
    });
    built = { status, output: stdout + stderr };
    server = await serve(folder);
    browser = await start();
    visits = await visitAll(
      browser,
      server.url,
      filesBelow(folder).filter((file) => file.endsWith(".html")),
    );
  });

  after(async () => {
    await browser.close();
    await server.close();
    fs.rmSync(folder, { recursive: true });
  });

  it("is built without a warning", () => {
    assert.equal(built.status, 0, built.output);
    assert.doesNotMatch(built.output, /warning|error/i);
  });

  it("has a page for each page of the documentation", () => {
    const pages = filesBelow(path.join(ROOT, "docs")).filter((file) => file.endsWith(".md"));
    assert.deepEqual(
      pages.map((file) => `docs/${file}`).filter((file) => !PAGES.includes(file)),
      [],
    );
    assert.deepEqual(
      PAGES.filter((page, index) => PAGES.indexOf(page) !== index),
      [],
      "no page is there twice",
    );
    const made = PAGES.map((file) => `${file.replace(/^README\.md$/, "index").replace(/\.md$/, "")}.html`);
    const paths = visits.map((visit) => visit.path);
    assert.deepEqual(
      made.filter((file) => !paths.includes(file)),
      [],
    );
  });

  it("leads from its first page to every guide", () => {
    const links = visits.find(({ path }) => path === "index.html")?.links ?? [];
    const guides = PAGES.filter((page) => /^docs\/[^/]+\.md$/.test(page)).map((page) => page.replace(/\.md$/, ".html"));
    assert.deepEqual(
      guides.filter((page) => !links.includes(server.url + page)),
      [],
    );
  });

  it("has a page with text for each export of the package", () => {
    const names = exported();
    assert.ok(names.includes("PauseSandbox") && names.includes("mockCluster"), "the test reads the agreed API");
    const described = visits.filter(({ path, text }) => path.startsWith("api/") && /\w+ \w+/.test(text));
    const titles = described.map(({ title }) => title);
    assert.deepEqual(
      names.filter((name) => !titles.includes(`${name} | pause-sandbox`)),
      [],
    );
  });

  it("is checked for links: one to no page and one to no anchor are noticed", () => {
    const links = ["a.html#there", "a.html#gone", "gone.html"].map((link) => `http://site/${link}`);
    const seen = {
      path: "a.html",
      title: "",
      text: "",
      links,
      ids: ["there"],
      requests: [],
      problems: [],
      tooWide: {},
    };
    assert.deepEqual(deadLinks("http://site/", [seen], ["a.html"]), [
      "a.html: http://site/a.html#gone",
      "a.html: http://site/gone.html",
    ]);
  });

  it("has no link to a page or an anchor that is not there", () => {
    assert.deepEqual(deadLinks(server.url, visits, filesBelow(folder)), []);
  });

  it("shows the files of the repository that pages link to as pages, and pictures only as files", () => {
    const media = filesBelow(path.join(folder, "media"));
    assert.ok(media.includes("way.svg"));
    assert.deepEqual(
      media.filter((file) => !file.endsWith(".svg")),
      [],
    );
  });

  it("has the words of each diagram inside of their boxes", async () => {
    const page = await newTab(browser);
    for (const name of fs.readdirSync(path.join(ROOT, "docs/diagrams")).filter((file) => file.endsWith(".svg"))) {
      await page.setContent(fs.readFileSync(path.join(ROOT, "docs/diagrams", name), "utf8"));
      const words = await page.locator("g.node text, g.cluster text").evaluateAll((texts) =>
        texts.map((text) => {
          const [box, own] = [text.parentElement?.querySelector("path, polygon"), text].map((one) =>
            one?.getBoundingClientRect(),
          );
          return { text: text.textContent, inside: box && own && box.left < own.left && own.right < box.right };
        }),
      );
      assert.ok(words.length > 0, name);
      assert.deepEqual(
        words.filter(({ inside }) => !inside).map(({ text }) => text),
        [],
      );
    }
    await page.close();
  });

  it("asks no other host for anything", () => {
    const requests = visits.flatMap((visit) => visit.requests);
    assert.ok(requests.length > visits.length, "requests are seen");
    assert.deepEqual(
      requests.filter((url) => pathIn(server.url, url) === undefined && !url.startsWith("data:")),
      [],
    );
  });

  it("gets all that it asks for, and has no error on the console", () => {
    assert.deepEqual(
      visits.flatMap(({ path, problems }) => problems.map((problem) => `${path}: ${problem}`)),
      [],
    );
  });

  it("has no page that is wider than its window, on a desk and on a telephone", () => {
    const wide = visits.flatMap(({ path, tooWide }) =>
      Object.entries(tooWide)
        .filter(([, pixels]) => pixels > 0)
        .map(([width, pixels]) => `${path}: ${pixels} pixels more than ${width}`),
    );
    assert.deepEqual(wide, []);
  });

  it("leads a newcomer from the guide over errors and decisions to the API", async () => {
    const page = await newTab(browser);
    await open(page, server.url);
    const links = await page
      .locator("#tsd-nav-container")
      .evaluate((list) =>
        [...list.querySelectorAll(":scope > li > a, :scope > li > details > summary a")].map((link) =>
          (link as HTMLAnchorElement).pathname.slice(1),
        ),
      );
    const way = ["index", "guide", "nodes", "image", "joining", "doctor", "errors/README", "decisions/README"];
    const expected = [...way.map((name) => `${name === "index" ? "" : "docs/"}${name}.html`), "api/pause-sandbox.html"];
    assert.deepEqual(
      links.filter((link) => expected.includes(link)),
      expected,
    );
    await page.close();
  });

  describe("has a search that", () => {
    for (const { typed, leads, within } of [
      { typed: "maxUnavailable", leads: "api/pause-sandbox/PauseSandboxArgs.html#maxunavailable", within: 3 },
      { typed: "nodesOfCluster", leads: "api/pause-sandbox/nodesOfCluster-1.html", within: 3 },
      { typed: "PS-N010", leads: "docs/errors/PS-N010.html", within: 1 },
      { typed: "PS-D021", leads: "docs/findings.html", within: 1 },
      // Only the text has these. Which page of those that have a word comes first changes with their lengths.
      { typed: "handmade", leads: "index.html", within: 10 },
      { typed: "PULUMI_DIY_BACKEND_GZIP", leads: "docs/day-two.html", within: 10 },
    ]) {
      it(`finds ${typed} among the first ${within}, and leads to ${leads}`, async () => {
        const page = await newTab(browser);
        // From a page below a folder: addresses of results are made there.
        await open(page, `${server.url}docs/errors/README.html`);
        await page.locator("#tsd-search-trigger").click();
        await page.locator("#tsd-search-input").fill(typed);
        const result = page.locator(`#tsd-search-results li:nth-child(-n + ${within}) a[href$="${leads}"]`);
        await result.click();
        await page.waitForURL(server.url + leads);
        const { hash } = new URL(page.url());
        if (hash !== "") await page.locator(hash).waitFor({ state: "attached" });
        await page.close();
      });
    }

    it("finds nothing where no page has the word", async () => {
      const page = await newTab(browser);
      await open(page, server.url);
      await page.locator("#tsd-search-trigger").click();
      await page.locator("#tsd-search-input").fill("xyzzyplugh");
      await page.locator("#tsd-search-status").filter({ hasText: "xyzzyplugh" }).waitFor();
      assert.equal(await page.locator("#tsd-search-results a").count(), 0);
      await page.close();
    });
  });
});
