import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { MadeApiKey, Scope } from "#core";
import { openChromium } from "./chromium.ts";
import { expectNoComplaints, type Visit, visit } from "./page.ts";
import { addOperations, addPresent, caller, openStage, type Stage } from "./stage.ts";

type Rest<Parameters> = Parameters extends [unknown, unknown, ...infer Last] ? Last : never;

export type Theatre = ReturnType<typeof openTheatre>;

/** One browser and one server for all the tests of a file. The browser must have nothing to complain about. */
export function openTheatre() {
  let browser: Browser;
  let stage: Stage;
  let present: Awaited<ReturnType<typeof addPresent>>;
  let open: Visit | undefined;
  beforeAll(async () => {
    [browser, stage] = await Promise.all([openChromium(), openStage({ ended: 200 })]);
    await addOperations(stage);
    present = await addPresent(stage);
  });
  afterEach(async () => {
    if (open) await expectNoComplaints(open);
    await open?.close();
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
    /** Opens a page, which is closed after the test. */
    async look(...options: Rest<Parameters<typeof visit>>): Promise<Visit> {
      open = await visit(browser, stage, ...options);
      return open;
    },
    makeKey: async (name: string, scopes: Scope[]) =>
      (await api("POST", "/keys", { name, scopes })).body as MadeApiKey,
  };
}
