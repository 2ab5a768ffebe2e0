/** Tasks: made, found, changed. */
import { expect, test } from "vitest";
import { heading, settled } from "../../support/dashboard/page.ts";
import type { Theatre } from "../../support/dashboard/theatre.ts";

export function tasksCases(theatre: Theatre) {
  const { look } = theatre;

  test("a task is created by the form of its type, fails, says why, and runs again", async () => {
    const { page, complaints } = await look("#/types");
    await page.getByRole("link", { name: "send_report" }).click();
    await page.locator("[name='data.to']").fill("nowhere");
    await page.getByRole("button", { name: "Create the task" }).click();
    await page.getByText(/^Invalid email/).waitFor();
    await page.getByRole("alert").waitFor();
    complaints.length = 0;
    await page.locator("[name='data.to']").fill("nobody@example.com");
    await page.locator("select[name='data.format']").selectOption("csv");
    await page.getByRole("button", { name: "Create the task" }).click();
    await heading(page, /send_report #\d+/);
    // One runs for ever, so this one waits, and says so.
    await page.getByText("Waiting").first().waitFor();
    for (const { finish } of theatre.stage.starts.splice(0)) finish();
    // Without a reload.
    await page.getByText("550 no mailbox nobody@example.com").first().waitFor();
    await page.getByText("Attempt 3 failed").first().waitFor();
    expect(await page.locator("section[aria-label='Data, in full']").textContent()).toContain(
      '"format": "csv"',
    );
    await page.getByRole("button", { name: "Retry" }).click();
    await page.getByText("Attempt 6 failed").first().waitFor();
    const [again] = await theatre.stage.tickwork.tasks.create([{ type: "sync_invoices" }]);
    theatre.present.running = again?.id ?? 0;
    await expect.poll(() => theatre.stage.starts.length, { timeout: 10_000 }).toBe(1);
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
    await theatre.stage.tickwork.tasks.create(
      Array.from({ length: 7 }, () => ({
        type: "http_request",
        task_data: { url: "http://one.test" },
        scheduled_time: due,
      })),
    );
    // A task cancels them, so a slot must be free.
    for (const { finish } of theatre.stage.starts.splice(0)) finish();
    const { page } = await look("#/tasks?type=http_request&status=Not+started");
    await page.getByRole("button", { name: "Cancel all unfinished…" }).click();
    await page.getByRole("heading", { name: "Cancel 7 tasks?" }).waitFor();
    await page.keyboard.press("Escape");
    expect(
      await theatre.stage.tickwork.tasks.list({ type: "http_request", status: "Not started", limit: 50 }),
    ).toHaveLength(7);
    await page.getByRole("button", { name: "Cancel all unfinished…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel 7 tasks" }).click();
    await page.getByText("Cancel: 7 tasks", { exact: true }).waitFor();
    expect(
      await theatre.stage.tickwork.tasks.list({ type: "http_request", status: "Not started", limit: 50 }),
    ).toEqual([]);
  });

  test("tasks are found by their times, and what waits is listed by when it is due", async () => {
    const { page } = await look("#/tasks?status=Not+started");
    // The address changes before the page does: what is current, and what is old, is of one rendering.
    const isShown = async (what: string) => {
      await page.locator(what).waitFor();
      await page.waitForFunction(() => !document.querySelector(".old"));
    };
    await page.getByRole("link", { name: "Due first" }).click();
    await isShown('nav.order a[aria-current="true"]:text-is("Due first")');
    const times = await page
      .locator("td.when time")
      .evaluateAll((all) => all.map((one) => Date.parse(one.getAttribute("datetime") ?? "")));
    expect(times.length).toBeGreaterThan(10);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    await page.getByRole("link", { name: "Completed", exact: true }).click();
    // Their order is another one.
    await page.waitForFunction(() => !location.hash.includes("sort="));
    await page.getByRole("link", { name: "Ended first" }).click();
    await isShown('nav.order a[aria-current="true"]:text-is("Ended first")');
    const ends = await page
      .locator("td.when time")
      .evaluateAll((all) => all.map((one) => Date.parse(one.getAttribute("datetime") ?? "")));
    expect(ends).toHaveLength(50);
    await page.getByRole("button", { name: "Next page" }).click();
    await isShown('nav.pager button:text-is("First page")');
    const [next] = await page
      .locator("td.when time")
      .evaluateAll((all) => all.map((one) => Date.parse(one.getAttribute("datetime") ?? "")));
    expect([...ends, next]).toEqual([...ends, next].sort((a, b) => (a ?? 0) - (b ?? 0)));
    await page.getByRole("link", { name: "Waiting", exact: true }).click();
    await page.getByRole("button", { name: "Filters…" }).click();
    await page.getByLabel("Due from").fill("2998-01-01T00:00:00");
    await page.getByLabel("Due before").fill("2999-01-01T00:00:00");
    await page.getByRole("button", { name: "Search" }).last().click();
    await page.getByText("No task is like that").waitFor();
    expect(page.url()).toContain("scheduled_to=2999-01-01T");
    await page.getByRole("link", { name: "Due from" }).click();
    await page.getByText("send_report").first().waitFor();
    await page.getByRole("link", { name: "Clear all" }).click();
    await page.waitForFunction(() => location.hash === "#/tasks?status=Not+started");
  });

  test("a waiting task is rescheduled, due at once, and deleted", async () => {
    const [task] = await theatre.stage.tickwork.tasks.create([
      { type: "http_request", task_data: { url: "http://one.test" }, scheduled_time: "2999-01-01T00:00:00Z" },
    ]);
    const id = task?.id ?? 0;
    // Another one runs, so that this one is seen to wait.
    await theatre.stage.tickwork.tasks.create([{ type: "sync_invoices" }]);
    await expect.poll(() => theatre.stage.starts.length, { timeout: 10_000 }).toBe(1);
    const { page } = await look(`#/tasks/${id}`);
    await page.getByRole("button", { name: "Reschedule…" }).click();
    await page.getByLabel("Due, in the time of this browser").fill("2998-05-06T07:08:09");
    await page.getByRole("button", { name: "Reschedule", exact: true }).click();
    await page.getByText(`Task ${id} was rescheduled`).waitFor();
    expect((await theatre.stage.tickwork.tasks.get(id)).scheduled_time).toContain("2998-05-06");
    await page.getByRole("button", { name: "Run now" }).click();
    await page.getByText(/It has been due|It is due/).waitFor();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete the task" }).click();
    await heading(page, "Tasks");
    await expect(theatre.stage.tickwork.tasks.get(id)).rejects.toMatchObject({ code: "task_not_found" });
  });
}
