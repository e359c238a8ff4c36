/** Opens pages of a site in a real browser, and notes what is there and what is asked for. */
import * as fs from "node:fs";
import * as path from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** What a browser has of one page. */
export interface Visit {
  /** As a path from the root of the site, such as `docs/guide.html`. */
  readonly path: string;
  readonly title: string;
  /** The paragraphs. */
  readonly text: string;
  /** Addresses as the browser resolves them. */
  readonly links: readonly string[];
  readonly ids: readonly string[];
  /** Every address that was asked for. */
  readonly requests: readonly string[];
  /** Failed requests, messages of the console, errors of scripts. */
  readonly problems: readonly string[];
  /** Pixels by which the page is wider than its window, by the width of the window. */
  readonly tooWide: Readonly<Record<number, number>>;
}

/** A desk and a telephone. */
const WIDTHS = [1280, 400];
const HEIGHT = 1000;
/** More of them are no faster on 2 cores. */
const TABS = 4;

/** In milliseconds: the machine may be busy with other work. */
const PATIENCE = 120_000;

/** Nothing of its own may reach the network: what is asked for is asked by the pages. */
const QUIET = [
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"],
  ...["--disable-gpu", "--no-first-run"],
];

/** Chromium has no sandbox for root; the pages are our own. */
export const start = (): Promise<Browser> =>
  chromium.launch({ executablePath: "/usr/bin/chromium", chromiumSandbox: process.getuid?.() !== 0, args: QUIET });

export async function visitAll(browser: Browser, site: string, pages: readonly string[]): Promise<Visit[]> {
  const context = await browser.newContext({ viewport: { width: 1280, height: HEIGHT } });
  context.setDefaultTimeout(PATIENCE);
  const left = [...pages];
  const visits: Visit[] = [];
  const tab = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      visits.push(await visitUndisturbed(context, site, next));
  };
  await Promise.all(Array.from({ length: TABS }, tab));
  await context.close();
  return visits.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Chromium ends requests when a network of this machine comes or goes, as those of labs beside this test do: no fault of the site. */
async function visitUndisturbed(context: BrowserContext, site: string, name: string): Promise<Visit> {
  for (;;) {
    const seen = await visit(context, site, name);
    if (!seen.problems.some((problem) => problem.includes("ERR_NETWORK_CHANGED"))) return seen;
  }
}

async function visit(context: BrowserContext, site: string, name: string): Promise<Visit> {
  const page = await context.newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText ?? ""}`));
  page.on("response", (response) => {
    if (!response.ok()) problems.push(`${response.url()}: ${response.status()}`);
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  await open(page, site + name);
  const seen = await look(page);
  const tooWide: Record<number, number> = {};
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    tooWide[width] = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    await shoot(page, name, width);
  }
  await page.close();
  return { path: name, ...seen, requests, problems, tooWide };
}

/** A tab of its own, as one reader has it. */
export async function newTab(browser: Browser): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  return page;
}

/** The navigation is made by a script, and comes last. */
export async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.locator("#tsd-nav-container a").first().waitFor({ state: "attached" });
}

const look = (page: Page): Promise<Pick<Visit, "title" | "text" | "links" | "ids">> =>
  page.evaluate(() => ({
    title: document.title,
    text: [...document.querySelectorAll(".col-content p")]
      .map((part) => part.textContent)
      .join("\n")
      .trim(),
    links: [...document.querySelectorAll<HTMLAnchorElement>("a[href]")].map(({ href }) => href),
    ids: [...document.querySelectorAll("[id]")].map(({ id }) => id),
  }));

async function shoot(page: Page, name: string, width: number): Promise<void> {
  const folder = process.env.PAUSE_SANDBOX_SHOTS;
  if (folder === undefined) return;
  const file = path.join(folder, `${name.replace(/\.html$/, "").replaceAll("/", "-")}-${width}.png`);
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: file, fullPage: true });
}
