/** Limits, and tasks in queues: set, shown, removed; why a task waits. */
import { expect, test } from "vitest";
import { heading } from "../../support/dashboard/page.ts";
import { show, type Theatre } from "../../support/dashboard/theatre.ts";

export function limitsCases(theatre: Theatre) {
  const { look } = theatre;

  test("a limit is set, refused at first, shown, changed and removed, each after a question", async () => {
    const { page, complaints } = await look("#/operator");
    const { operator } = theatre.stage.tickwork;
    const of = async (queue: string) => (await operator.listLimits()).find((one) => one.queue === queue);
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Set a limit…" }).click();
    await dialog.getByLabel("Name").fill("letters");
    await dialog.getByRole("button", { name: "Set the limit" }).click();
    await dialog.getByRole("alert").getByText("at least one of concurrency, rate, weight").waitFor();
    complaints.length = 0;
    await dialog.getByLabel("Run at once").fill("3");
    await dialog.getByLabel("Start", { exact: true }).fill("100");
    await dialog.getByLabel("in", { exact: true }).fill("2");
    await dialog.getByLabel("Unit").selectOption("hours");
    expect(await of("letters")).toBeUndefined();
    await dialog.getByRole("button", { name: "Set the limit" }).click();
    await page.getByText("3 at once, 100 starts in 2 hours").waitFor();
    await page.getByRole("button", { name: "Change the queue letters…" }).click();
    expect(await dialog.getByLabel("Run at once").inputValue()).toBe("3");
    await dialog.getByLabel("in", { exact: true }).fill("1");
    await dialog.getByRole("button", { name: "Set the limit" }).click();
    await page.getByText("3 at once, 100 starts an hour").waitFor();
    expect(await of("letters")).toMatchObject({
      concurrency: 3,
      rate: { starts: 100, period_seconds: 3_600, burst: false },
    });
    await page.getByRole("button", { name: "Remove the limit of the queue letters…" }).click();
    await dialog.getByRole("button", { name: "Keep as it is" }).click();
    expect(await of("letters")).toBeDefined();
    await page.getByRole("button", { name: "Remove the limit of the queue letters…" }).click();
    await dialog.getByRole("button", { name: "Remove the limit" }).click();
    await page.getByText("3 at once, 100 starts an hour").waitFor({ state: "hidden" });
    expect(await of("letters")).toBeUndefined();
    await show(page, `${theatre.stage.url}/#/types`);
    await page.locator("li", { hasText: "http_request" }).getByText("5 starts a second, in bursts").waitFor();
  });

  test("a task that is held back says by what, and its queue and key lead to those like it", async () => {
    const { tasks, operator } = theatre.stage.tickwork;
    await operator.putLimit({ queue: "slow" }, { rate: { starts: 1, period_seconds: 3_600, burst: true } });
    const line = { type: "send_report", queue: "slow", concurrency_key: "acme/7", priority: 5 };
    const to = { task_data: { to: "a@example.com" } };
    const [first, second] = await tasks.create([
      { ...line, ...to },
      { ...line, ...to },
    ]);
    for (const { finish } of theatre.stage.starts.splice(0)) finish();
    await expect
      .poll(async () => (await tasks.get(first?.id ?? 0)).task_status, { timeout: 10_000 })
      .toBe("Completed");
    const { page } = await look(`#/tasks/${second?.id}`);
    await page.getByText(/is held back: as many tasks of the queue slow have started as may/).waitFor();
    await page.getByText("It starts when its limits let it.").waitFor();
    await page.getByRole("definition").getByText("5", { exact: true }).waitFor();
    await page.getByRole("link", { name: "acme/7" }).click();
    await heading(page, "Tasks");
    expect(await page.locator("tbody tr").count()).toBe(2);
    await page.getByRole("button", { name: "Filters…" }).click();
    expect(await page.getByLabel("Key", { exact: true }).inputValue()).toBe("acme/7");
    await page.getByLabel("Queue", { exact: true }).fill("nowhere");
    await page.getByRole("button", { name: "Search" }).last().click();
    await page.getByText("No task is like that").waitFor();
    await operator.pause({ queue: "slow" }, { reason: "the post is on strike" });
    await show(page, `${theatre.stage.url}/#/tasks/${second?.id}`);
    await page.getByText("It waits, because the queue slow is paused: the post is on strike.").waitFor();
    await show(page, `${theatre.stage.url}/#/`);
    await page.getByText("the queue slow is paused: what waits of it").waitFor();
    await operator.resume({ queue: "slow" });
    await operator.removeLimit({ queue: "slow" });
  });
}
