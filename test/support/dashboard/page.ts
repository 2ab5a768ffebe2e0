import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
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

/** Opens the dashboard; signed in, unless told otherwise. */
export async function visit(
  browser: Browser,
  { url }: Pick<Stage, "url">,
  hash = "#/",
  { signIn = true, ...options }: BrowserContextOptions & { signIn?: boolean } = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 }, ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.goto(`${url}/${hash}`);
  if (signIn) {
    await page.fill("#key", KEY);
    await page.keyboard.press("Enter");
    await settled(page);
  }
  return { page, complaints, asked, close: () => context.close() };
}

/** A page is there, with what it shows. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector("main h1, main .empty");
  await page.waitForFunction(() => !document.querySelector(".loading"));
}

/** What axe finds wrong, and whether the page is wider than the window. */
export async function flawsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    const flaws = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [...flaws, `${scrollWidth} px in ${clientWidth} px`] : flaws;
  });
}

export const heading = (page: Page, text: string | RegExp) =>
  page.getByRole("heading", { level: 1, name: text }).waitFor();

export async function expectNoComplaints({ complaints }: Visit): Promise<void> {
  expect(complaints).toEqual([]);
}
