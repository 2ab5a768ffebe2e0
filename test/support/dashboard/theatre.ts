import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { MadeApiKey, Scope } from "#core";
import { openChromium } from "./chromium.ts";
import { expectNoComplaints, settled, type Visit, visit } from "./page.ts";
import { addOperations, addPresent, caller, KEY, openStage, type Stage } from "./stage.ts";

export type Theatre = ReturnType<typeof openTheatre>;

/** Leads to an address, also where only its last part changes. */
export async function show(page: Page, url: string): Promise<void> {
  await page.goto(url);
  // The page hears of a new hash later.
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => setTimeout(painted))));
  await settled(page);
}

/** One browser and one server for all the tests of a file. The browser must have nothing to complain about. */
export function openTheatre() {
  let browser: Browser;
  let stage: Stage;
  let present: Awaited<ReturnType<typeof addPresent>>;
  /** For all tests that need no page of their own: to open one takes longer than most of them. */
  let shared: Visit | undefined;
  let open: Visit | undefined;
  beforeAll(async () => {
    [browser, stage] = await Promise.all([openChromium(), openStage({ ended: 200 })]);
    await addOperations(stage);
    present = await addPresent(stage);
  });
  afterEach(async () => {
    if (open) await expectNoComplaints(open);
    if (open !== shared) await open?.close();
    open = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await stage?.close();
  });
  const api: ReturnType<typeof caller> = (...request) => caller(stage)(...request);
  return {
    get stage() {
      return stage;
    },
    get present() {
      return present;
    },
    api,
    /** Opens a page; `fresh`, or with another key, one of its own, which is closed after the test. */
    async look(
      place = "#/",
      {
        key = KEY,
        fresh = false,
        width = 1_440,
      }: { key?: string | null; fresh?: boolean; width?: number } = {},
    ): Promise<Visit> {
      if (fresh || key !== KEY) {
        open = await visit(browser, stage, place, { key });
        return open;
      }
      open = shared ??= await visit(browser, stage, place);
      const { page, complaints, asked } = open;
      complaints.length = asked.length = 0;
      await page.setViewportSize({ width, height: 900 });
      await show(page, `${stage.url}/${place}`);
      return open;
    },
    makeKey: async (name: string, scopes: Scope[]) =>
      (await api("POST", "/keys", { name, scopes })).body as MadeApiKey,
  };
}
