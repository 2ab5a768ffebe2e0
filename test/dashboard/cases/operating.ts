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

  test("a schedule is made by a form that shows its next times, says what is wrong, and is edited", async () => {
    const { page, complaints } = await look("#/schedules");
    await page.getByRole("link", { name: "New schedule" }).click();
    await heading(page, "New schedule");
    await page.getByLabel("Name").fill("invoices");
    await page.getByLabel("Cron expression").fill("often");
    await page.getByText(/^It must be five fields/).waitFor();
    expect(await page.getByLabel("Cron expression").getAttribute("aria-invalid")).toBe("true");
    await page.getByLabel("Cron expression").fill("30 4 * * *");
    await page.getByLabel("Time zone").fill("UTC");
    await page.locator(".times li").first().waitFor();
    expect(await page.locator(".times li").count()).toBe(5);
    await page.getByLabel("Type of its tasks").fill("send_report");
    await page.getByLabel("to", { exact: true }).fill("nowhere");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.getByText("It is taken: another schedule has it").waitFor();
    await page.getByLabel("Name").fill("dawn");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.locator(".field", { hasText: "Invalid email" }).waitFor();
    expect(complaints.splice(0).every((one) => one.includes("422"))).toBe(true);
    const { schedules } = theatre.stage.tickwork;
    await expect(schedules.get("dawn")).rejects.toMatchObject({ code: "schedule_not_found" });
    await page.getByLabel("to", { exact: true }).fill("ada@example.com");
    await page.getByLabel("When they overlap").selectOption("skip");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await heading(page, "dawn");
    expect(await schedules.get("dawn")).toMatchObject({
      ...{ cron: "30 4 * * *", time_zone: "UTC", overlap: "skip", catch_up: "last" },
      task_data: { to: "ada@example.com" },
    });
    await page.getByRole("link", { name: "Edit" }).click();
    expect(await page.getByLabel("to", { exact: true }).inputValue()).toBe("ada@example.com");
    await page.getByRole("button", { name: "Every so often" }).click();
    await page.getByLabel("Every", { exact: true }).fill("2");
    await page.getByLabel("Unit").selectOption("hours");
    await page.getByRole("button", { name: "Save the schedule" }).click();
    await page.getByText("every 2 h").waitFor();
    expect(await schedules.get("dawn")).toMatchObject({ cron: null, every_seconds: 7_200, overlap: "skip" });
    await schedules.remove("dawn");
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
