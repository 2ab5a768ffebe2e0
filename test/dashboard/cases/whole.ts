/** What holds for all pages, and the reference of the API. */
import { expect, test } from "vitest";
import { openApi } from "#api";
import { flawsOf, heading, settled } from "../../support/dashboard/page.ts";
import { pauseRequests } from "../../support/dashboard/stage.ts";
import { show, type Theatre } from "../../support/dashboard/theatre.ts";

export function wholeCases(theatre: Theatre) {
  const { look } = theatre;

  test("it works with the keyboard alone", async () => {
    const { page } = await look(`#/tasks/${theatre.present.failed}`);
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
    const { page, asked } = await look("#/", { fresh: true });
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
    for (const { finish } of theatre.stage.starts.splice(0)) finish();
    await expect.poll(() => theatre.stage.tickwork.operator.isTaskRunning(), { timeout: 10_000 }).toBe(false);
    const { page } = await look("#/operator");
    const count = async (hash: string) => {
      theatre.stage.bed.counts.reset();
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await heading(page, hash === "#/" ? "Overview" : "Tasks");
      await settled(page);
      return theatre.stage.bed.counts.postgres;
    };
    expect(await count("#/tasks?status=Error")).toBe(1);
    expect(await count("#/")).toBe(3);
  });

  test("the reference has every operation, finds one, and tries it; nothing inline runs", async () => {
    const { page, complaints, asked } = await look("docs");
    const { paths } = (await await openApi()) as { paths: Record<string, object> };
    const count = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
    expect(await page.locator(".operation").count()).toBe(count);
    await page.getByLabel("Find an operation").fill("/cancel");
    const operation = page.locator("#cancelTask");
    await operation.getByText("curl -X POST").waitFor();
    expect(await page.locator(".operation").count()).toBe(1);
    await operation.getByText("task_finished", { exact: true }).waitFor();
    await page.getByLabel("Find an operation").fill("get /types/");
    const types = page.locator("#getType");
    await types.getByText("Try it here").click();
    await types.getByLabel("type", { exact: true }).fill("send_report");
    await types.getByRole("button", { name: "Send" }).click();
    await types.getByLabel("What came back").getByText('"median_ms"').waitFor();
    expect(asked).toContain("GET /types/send_report");
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.body.append(script);
      return "ran" in globalThis;
    });
    expect(ran).toBe(false);
    expect(complaints.splice(0)).toEqual([expect.stringContaining("Content Security Policy")]);
  });

  test.each([1_440, 360])("at %i px no page has a flaw, in any colours", async (width) => {
    await pauseRequests(theatre.stage);
    const { page, complaints } = await look("#/", { width });
    // Those that are made like others are looked at in one width.
    const pages = [
      "#/",
      "#/tasks",
      `#/tasks/${theatre.present.failed}`,
      "#/types/send_report",
      "#/schedules",
      "#/schedules?new=true",
      "#/operator",
      "#/access",
      "#/audit",
      "docs",
      ...(width === 360 ? [] : ["#/types", "#/schedules/invoices", "#/tasks/999999", "#/nowhere"]),
    ];
    const flaws: Record<string, string[]> = {};
    for (const place of pages) {
      await show(page, `${theatre.stage.url}/${place}`);
      if (place === "#/tasks") await page.getByRole("button", { name: "Filters…" }).click();
      // All of them take axe long, and are made alike.
      if (place === "docs") await page.getByLabel("Find an operation").fill("/schedules");
      if (place === "#/operator") await page.getByRole("button", { name: "menu" }).click();
      // The colours are the same at any width.
      const found = await flawsOf(page, width === 360 ? ["light"] : ["light", "dark"]);
      if (found.length > 0) flaws[place] = found;
      await page.keyboard.press("Escape");
    }
    expect(flaws).toEqual({});
    complaints.splice(0, complaints.length, ...complaints.filter((one) => !one.includes("404")));
  });
}
