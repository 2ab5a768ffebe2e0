/** The dashboard in Chromium, as people use it. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openChromium } from "../support/dashboard/chromium.ts";
import {
  expectNoComplaints,
  flawsOf,
  heading,
  settled,
  type Visit,
  visit,
} from "../support/dashboard/page.ts";
import { addPresent, openStage, type Stage } from "../support/dashboard/stage.ts";

if (!chromiumPath)
  console.warn("\nSKIPPED the dashboard in a browser: there is no Chromium; CHROMIUM_PATH may name one.\n");

describe.skipIf(!chromiumPath)("the dashboard in Chromium", () => {
  let browser: Browser;
  let stage: Stage;
  let present: Awaited<ReturnType<typeof addPresent>>;
  let open: Visit | undefined;
  const look = async (
    ...options: Parameters<typeof visit> extends [unknown, unknown, ...infer Rest] ? Rest : never
  ) => {
    open = await visit(browser, stage, ...options);
    return open;
  };
  beforeAll(async () => {
    [browser, stage] = await Promise.all([openChromium(), openStage({ ended: 200 })]);
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

  test("a wrong key is refused, the right one shows the overview, and signing out forgets it", async () => {
    const { page, complaints } = await look("#/", { signIn: false });
    await page.fill("#key", "wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("This key is not known here.").waitFor();
    // The browser itself notes each answer of 401.
    complaints.length = 0;
    await page.fill("#key", "the-key-of-the-test");
    await page.keyboard.press("Enter");
    await heading(page, "Overview");
    expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([0, ""]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForSelector("#key");
    await page.reload();
    await page.waitForSelector("#key");
  });

  test("a task is created by the form of its type, fails, says why, and runs again", async () => {
    const { page, complaints } = await look("#/types");
    await page.getByRole("link", { name: "send_report" }).click();
    await page.locator("[name='data.to']").fill("nowhere");
    await page.getByRole("button", { name: "Create the task" }).click();
    await page.getByRole("alert").getByText("task_data.to").waitFor();
    complaints.length = 0;
    await page.locator("[name='data.to']").fill("nobody@example.com");
    await page.locator("select[name='data.format']").selectOption("csv");
    await page.getByRole("button", { name: "Create the task" }).click();
    await heading(page, /send_report #\d+/);
    // One runs for ever, so this one waits, and says so.
    await page.getByText("Waiting").first().waitFor();
    for (const { finish } of stage.starts.splice(0)) finish();
    // Without a reload.
    await page.getByText("550 no mailbox nobody@example.com").first().waitFor();
    await page.getByText("Attempt 3 failed").first().waitFor();
    expect(await page.locator("section[aria-label='Data, in full']").textContent()).toContain(
      '"format": "csv"',
    );
    await page.getByRole("button", { name: "Retry" }).click();
    await page.getByText("Attempt 6 failed").first().waitFor();
    const [again] = await stage.tickwork.tasks.create([{ type: "sync_invoices" }]);
    present.running = again?.id ?? 0;
    await expect.poll(() => stage.starts.length, { timeout: 10_000 }).toBe(1);
  });

  test("a filter is in the address, and a shared one shows the same", async () => {
    const { page } = await look("#/tasks");
    await page.getByRole("link", { name: "Failed", exact: true }).click();
    await page.getByLabel("Text in data").fill("MAILBOX IS FULL");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash.includes("text=MAILBOX"));
    await page.waitForFunction(
      () => !document.querySelector(".old") && document.querySelectorAll("tbody tr").length > 0,
    );
    const rows = await page.locator("tbody tr").allTextContents();
    expect(rows.every((row) => row.includes("550 mailbox is full"))).toBe(true);
    const address = page.url();
    await page.goto(address.replace(/#.*/, "#/operator"));
    await page.goto(address);
    await settled(page);
    await page.waitForFunction(
      (count) => document.querySelectorAll("tbody tr").length === count,
      rows.length,
    );
    await page
      .getByRole("link", { name: /send_report|sync_invoices|http_request/ })
      .first()
      .click();
    await heading(page, /#\d+/);
    await page.goBack();
    await heading(page, "Tasks");
    expect(page.url()).toBe(address);
  });

  test("all that a filter finds is cancelled, after it was counted and asked", async () => {
    const due = new Date(Date.now() + 3_600_000);
    await stage.tickwork.tasks.create(
      Array.from({ length: 7 }, () => ({
        type: "http_request",
        task_data: { url: "http://one.test" },
        scheduled_time: due,
      })),
    );
    const { page } = await look("#/tasks?type=http_request&status=Not+started");
    await page.getByRole("button", { name: "Cancel all unfinished…" }).click();
    await page.getByRole("heading", { name: "Cancel 7 tasks?" }).waitFor();
    await page.keyboard.press("Escape");
    expect(
      await stage.tickwork.tasks.list({ type: "http_request", status: "Not started", limit: 50 }),
    ).toHaveLength(7);
    await page.getByRole("button", { name: "Cancel all unfinished…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel 7 tasks" }).click();
    await page.getByText("Cancel: 7 tasks").waitFor();
    expect(
      await stage.tickwork.tasks.list({ type: "http_request", status: "Not started", limit: 50 }),
    ).toEqual([]);
  });

  test("a waiting task is rescheduled, due at once, and deleted", async () => {
    const [task] = await stage.tickwork.tasks.create([
      { type: "http_request", task_data: { url: "http://one.test" }, scheduled_time: "2999-01-01T00:00:00Z" },
    ]);
    const id = task?.id ?? 0;
    const { page } = await look(`#/tasks/${id}`);
    await page.getByRole("button", { name: "Reschedule…" }).click();
    await page.getByLabel("Due, in the time of this browser").fill("2998-05-06T07:08:09");
    await page.getByRole("button", { name: "Reschedule", exact: true }).click();
    await page.getByText(`Task ${id} was rescheduled`).waitFor();
    expect((await stage.tickwork.tasks.get(id)).scheduled_time).toContain("2998-05-06");
    await page.getByRole("button", { name: "Run now" }).click();
    await page.getByText(/It has been due|It is due/).waitFor();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete the task" }).click();
    await heading(page, "Tasks");
    await expect(stage.tickwork.tasks.get(id)).rejects.toMatchObject({ code: "task_not_found" });
  });

  test("the operator is asked before the flag is held, and it can be released", async () => {
    const { page } = await look("#/operator");
    await page.getByRole("button", { name: "Refresh…" }).click();
    await page.getByRole("button", { name: "Refresh", exact: true }).click();
    await page.getByText("The cache was refreshed").waitFor();
    for (const { finish } of stage.starts.splice(0)) finish();
    await expect.poll(() => stage.tickwork.operator.isTaskRunning(), { timeout: 10_000 }).toBe(false);
    await page.getByRole("button", { name: "Hold the flag…" }).click();
    expect(await stage.tickwork.operator.isTaskRunning()).toBe(false);
    await page.getByRole("button", { name: "Hold the flag", exact: true }).click();
    await page.getByRole("button", { name: "Release the flag…" }).click();
    expect(await stage.tickwork.operator.isTaskRunning()).toBe(true);
    await page.getByRole("button", { name: "Release the flag", exact: true }).click();
    await expect.poll(() => stage.tickwork.operator.isTaskRunning(), { timeout: 10_000 }).toBe(false);
    await page.getByRole("button", { name: "Hold the flag…" }).waitFor();
  });

  test("it works with the keyboard alone", async () => {
    const { page } = await look(`#/tasks/${present.failed}`);
    // Once signed in, the focus is at what is new; after that, at the head of the page.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("MAIN");
    await page.reload();
    await settled(page);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("To the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("MAIN");
    const button = page.getByRole("button", { name: "Delete…" });
    while (!(await button.evaluate((one) => one === document.activeElement)))
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    expect(await page.evaluate(() => document.activeElement?.closest("dialog") !== null)).toBe(true);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    // Back where one was.
    expect(await button.evaluate((one) => one === document.activeElement)).toBe(true);
  });

  test("a hidden tab asks nothing, and looks at once when it is seen again", async () => {
    const { page, asked } = await look("#/");
    const show = (hidden: boolean) =>
      page.evaluate((is) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    // From the start: timers that are already set would go by the real clock.
    await page.clock.install();
    await page.reload();
    await settled(page);
    await show(true);
    await page.waitForLoadState("networkidle");
    const before = asked.length;
    await page.clock.fastForward("05:00");
    await page.waitForLoadState("networkidle");
    expect(asked.slice(before)).toEqual([]);
    await show(false);
    await expect.poll(() => asked.slice(before), { timeout: 5_000 }).toContain("GET /tasks/overview");
  });

  test("one look at the overview is three statements to Postgres, at the tasks one", async () => {
    // A task that runs has its lease renewed.
    for (const { finish } of stage.starts.splice(0)) finish();
    await expect.poll(() => stage.tickwork.operator.isTaskRunning(), { timeout: 10_000 }).toBe(false);
    const { page } = await look("#/operator");
    const count = async (hash: string) => {
      stage.bed.counts.reset();
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await heading(page, hash === "#/" ? "Overview" : "Tasks");
      await settled(page);
      return stage.bed.counts.postgres;
    };
    expect(await count("#/tasks?status=Error")).toBe(1);
    expect(await count("#/")).toBe(3);
  });

  const LOOKS = [1_440, 360].flatMap((width) =>
    (["light", "dark"] as const).map((scheme) => [width, scheme] as const),
  );
  test.each(LOOKS)("at %i px in %s colours, no page has a flaw", async (width, colorScheme) => {
    const { page } = await look("#/", { viewport: { width, height: 800 }, colorScheme });
    const pages = [
      "#/",
      "#/tasks",
      `#/tasks/${present.failed}`,
      "#/tasks/999999",
      "#/types",
      "#/types/send_report",
      "#/operator",
      "#/nowhere",
    ];
    const flaws: Record<string, string[]> = {};
    for (const hash of pages) {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await page.waitForFunction((to) => location.hash === to, hash);
      await settled(page);
      const found = await flawsOf(page);
      if (found.length > 0) flaws[hash] = found;
    }
    expect(flaws).toEqual({});
    if (open) open.complaints = open.complaints.filter((one) => !one.includes("404"));
  });
});
