import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import { KEY, type Stage } from "./stage.ts";

export interface Visit {
  page: Page;
  /** What the browser complained about. */
  complaints: string[];
  /** The addresses that were asked for. */
  asked: string[];
  close(): Promise<void>;
}

/** Where the page keeps whose session it is. */
const KEPT = "tickwork.session";

/** Opens the dashboard; signed in with a key, unless told otherwise. */
export async function visit(
  browser: Browser,
  { url }: Pick<Stage, "url">,
  hash = "#/",
  { key = KEY }: { key?: string | null } = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  if (key !== null) {
    // As the form does it; one test fills that.
    const answer = await context.request.post(`${url}/session`, { data: { key } });
    const kept = [KEPT, JSON.stringify(await answer.json())] as const;
    await context.addInitScript(([name, value]) => localStorage.setItem(name, value), kept);
  }
  await page.goto(`${url}/${hash}`);
  if (key !== null) await settled(page);
  return { page, complaints, asked, close: () => context.close() };
}

/** A page is there, with what it shows. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector(".bar + main h1, .bar + main .empty");
  await loaded(page);
}

const loaded = (page: Page) => page.waitForFunction(() => !document.querySelector(".loading, .old"));

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** All that other colours can make worse. */
const OF_COLOURS = ["color-contrast"];

/** What axe finds wrong in these themes, and whether the page is wider than the window. */
export async function flawsOf(page: Page, themes: readonly ("light" | "dark")[]): Promise<string[]> {
  const flaws: string[] = [];
  for (const [n, colorScheme] of themes.entries()) {
    await page.emulateMedia({ colorScheme });
    for (const flaw of await flawsBy(page, n === 0 ? RULES : OF_COLOURS))
      flaws.push(`${colorScheme}: ${flaw}`);
  }
  return flaws;
}

async function flawsBy(page: Page, rules: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  return page.evaluate(async (runOnly) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, {
      runOnly: [...runOnly],
      // What passes need not be described.
      resultTypes: ["violations"],
      preload: false,
    });
    const flaws = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [...flaws, `${scrollWidth} px in ${clientWidth} px`] : flaws;
  }, rules);
}

/** The page with this heading is there, with what it shows. */
export async function heading(page: Page, text: string | RegExp): Promise<void> {
  await page.getByRole("heading", { level: 1, name: text }).waitFor();
  await loaded(page);
}

export async function expectNoComplaints({ complaints }: Visit): Promise<void> {
  expect(complaints).toEqual([]);
}
