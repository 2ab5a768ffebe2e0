/** What operators do. */
import { expect, test } from "vitest";
import { heading } from "../../support/dashboard/page.ts";
import type { Theatre } from "../../support/dashboard/theatre.ts";

export function operatingCases(theatre: Theatre) {
  const { look } = theatre;

  test("the operator is asked before the flag is held, and it can be released", async () => {
    const { page } = await look("#/operator");
    await page.getByRole("button", { name: "Refresh…" }).click();
    await page.getByRole("button", { name: "Refresh", exact: true }).click();
    await page.getByText("The cache was refreshed").waitFor();
    for (const { finish } of theatre.stage.starts.splice(0)) finish();
    await expect.poll(() => theatre.stage.tickwork.operator.isTaskRunning(), { timeout: 10_000 }).toBe(false);
    await page.getByRole("button", { name: "Hold the flag…" }).click();
    expect(await theatre.stage.tickwork.operator.isTaskRunning()).toBe(false);
    await page.getByRole("button", { name: "Hold the flag", exact: true }).click();
    await page.getByRole("button", { name: "Release the flag…" }).click();
    expect(await theatre.stage.tickwork.operator.isTaskRunning()).toBe(true);
    await page.getByRole("button", { name: "Release the flag", exact: true }).click();
    await expect.poll(() => theatre.stage.tickwork.operator.isTaskRunning(), { timeout: 10_000 }).toBe(false);
    await page.getByRole("button", { name: "Hold the flag…" }).waitFor();
  });

  test("a schedule is paused, resumed, run and deleted, each after a question", async () => {
    const { page } = await look("#/schedules");
    const row = page.getByRole("row", { name: "nightly report" });
    await row.getByText("Europe/Berlin").waitFor();
    await row.getByText("Completed").waitFor();
    await page.getByRole("link", { name: "nightly report" }).click();
    await heading(page, "nightly report");
    expect(await page.locator(".times li").count()).toBe(5);
    const { schedules } = theatre.stage.tickwork;
    await page.getByRole("button", { name: "Pause…" }).click();
    expect((await schedules.get("nightly report")).paused).toBe(false);
    await page.getByRole("button", { name: "Pause it" }).click();
    await page.getByText("It is paused: nothing comes").waitFor();
    expect((await schedules.get("nightly report")).paused).toBe(true);
    await page.getByRole("button", { name: "Resume…" }).click();
    await page.getByRole("button", { name: "Resume it" }).click();
    await page.getByText("Its next task is due").waitFor();
    await page.getByRole("button", { name: "Run now…" }).click();
    await page.getByRole("button", { name: "Run it now" }).click();
    await heading(page, /send_report #\d+/);
    await page.getByRole("link", { name: "nightly report" }).click();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Keep as it is" }).click();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete the schedule" }).click();
    await heading(page, "Schedules");
    await expect(schedules.get("nightly report")).rejects.toMatchObject({ code: "schedule_not_found" });
  });

  test("a type is paused with a reason, says so everywhere, and is resumed", async () => {
    const { page } = await look("#/operator");
    await page.getByRole("button", { name: "Pause…" }).click();
    await page.getByRole("combobox", { name: "Type" }).fill("send_report");
    await page.getByLabel("Why").fill("the mail server moves");
    await page.getByRole("dialog").getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByText("the mail server moves").waitFor();
    expect(await theatre.stage.tickwork.operator.listPauses()).toMatchObject([
      { type: "send_report", created_by: "API_KEY" },
    ]);
    const [task] = await theatre.stage.tickwork.tasks.create([
      { type: "send_report", task_data: { to: "b@example.com" } },
    ]);
    await page.goto(`${theatre.stage.url}/#/tasks/${task?.id}`);
    await page.getByText("It waits, because send_report is paused: the mail server moves.").waitFor();
    await page.goto(`${theatre.stage.url}/#/`);
    await page.getByText("send_report is paused").waitFor();
    await page.getByRole("link", { name: "See why" }).click();
    await page.getByText(/Since .*, by API_KEY/).waitFor();
    await page.getByRole("button", { name: "Resume send_report…" }).click();
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await page.getByText("Nothing is paused.").waitFor();
    expect(await theatre.stage.tickwork.operator.listPauses()).toEqual([]);
  });
}
