/** Who gets in, and what they are offered. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { closeHttp, listen } from "../../../packages/local/http.ts";
import { heading } from "../../support/dashboard/page.ts";
import { KEY } from "../../support/dashboard/stage.ts";
import type { Theatre } from "../../support/dashboard/theatre.ts";

export function accessCases(theatre: Theatre) {
  const { look, api, makeKey } = theatre;

  test("a key is exchanged for a cookie that no script sees; signing out ends it", async () => {
    const { page, complaints } = await look("#/", { key: null });
    await page.fill("#key", "wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("This key is not known here.").waitFor();
    // The browser itself notes each answer of 401.
    complaints.length = 0;
    await page.fill("#key", KEY);
    await page.keyboard.press("Enter");
    await heading(page, "Overview");
    // The focus is at what is new.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("MAIN");
    const cookies = () => page.context().cookies();
    expect(await cookies()).toEqual([
      expect.objectContaining({ name: "tickwork", httpOnly: true, sameSite: "Strict" }),
    ]);
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.body.outerHTML]),
    );
    expect(kept).not.toContain(KEY);
    expect(kept).not.toContain((await cookies())[0]?.value);
    // Another tab has the session, too, and loses it with this one.
    const other = await page.context().newPage();
    await other.goto(page.url());
    await heading(other, "Overview");
    await page.getByRole("button", { name: "menu" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("Sign in with an API key").waitFor();
    await other.getByText("Sign in with an API key").waitFor();
    expect(await cookies()).toEqual([]);
    await page.reload();
    await page.getByText("Sign in with an API key").waitFor();
  });

  test("a session that ends by itself says so, and leads back to where one was", async () => {
    const { id, key } = await makeKey("gone", ["read"]);
    const { page, complaints } = await look("#/schedules", { key });
    await api("DELETE", `/keys/${id}`);
    await page.getByText("Your session has ended.").waitFor();
    complaints.length = 0;
    await page.fill("#key", KEY);
    await page.keyboard.press("Enter");
    await heading(page, "Schedules");
  });

  test("another site changes nothing, although the browser sends the cookie along", async () => {
    const { page, complaints } = await look("#/");
    const before = await theatre.stage.tickwork.tasks.list({ limit: 1 });
    // For a browser, all ports of a host are one site: SameSite=Strict does not keep the cookie back.
    const evil = createServer((_, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end(
        `<form method=post enctype=text/plain action="${theatre.stage.url}/tasks"><input name='{"type":"http_request","task_data":{"url":"http://one.test/' value='"}}'></form><script>document.forms[0].submit()</script>`,
      );
    });
    await listen(evil, { host: "127.0.0.1", port: 0 });
    const answered = page.waitForResponse(`${theatre.stage.url}/tasks`);
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}`);
    const answer = await answered;
    expect((await answer.request().allHeaders()).cookie).toMatch(/^tickwork=./);
    expect([answer.status(), await answer.json()]).toMatchObject([403, { error: { code: "cross_site" } }]);
    expect(await theatre.stage.tickwork.tasks.list({ limit: 1 })).toEqual(before);
    complaints.length = 0;
    await closeHttp(evil);
  });

  test("whoever may only read is offered nothing else", async () => {
    const { key } = await makeKey("reader", ["read"]);
    const { page } = await look(`#/tasks/${theatre.present.failed}`, { key });
    await page.getByText("Ended in Error").waitFor();
    expect(await page.getByRole("button", { name: "Retry" }).count()).toBe(0);
    // Nor the stack, which may say more than the error.
    expect(await page.getByText("tasks/send-report.ts").count()).toBe(0);
    await page.goto(`${theatre.stage.url}/#/schedules/invoices`);
    await heading(page, "invoices");
    expect(await page.getByRole("button", { name: "Run now…" }).count()).toBe(0);
    await page.goto(`${theatre.stage.url}/#/access`);
    await page.getByText("This is for administrators").waitFor();
    await page.getByRole("button", { name: "menu" }).click();
    expect(await page.getByRole("link", { name: "Audit log" }).count()).toBe(0);
  });

  test("a key is made, shown once, and withdrawn; the audit log says by whom", async () => {
    const { page } = await look("#/access");
    await page.getByLabel("Name").fill("robot");
    await page.getByRole("checkbox", { name: "read" }).uncheck();
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.getByRole("alert").getByText("at least one thing").waitFor();
    await page.getByRole("checkbox", { name: "write" }).check();
    await page.getByRole("button", { name: "Make the key" }).click();
    const secret = (await page.locator(".secret").textContent()) ?? "";
    expect((await api("GET", "/session", undefined, secret)).body).toMatchObject({
      name: "robot",
      scopes: ["write"],
    });
    await page.reload();
    await page.getByText("robot").first().waitFor();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole("button", { name: "Withdraw robot…" }).click();
    await page.getByRole("button", { name: "Withdraw the key" }).click();
    await page.getByText("The key robot was withdrawn").waitFor();
    expect((await api("GET", "/session", undefined, secret)).status).toBe(401);
    await page.getByRole("button", { name: "menu" }).click();
    await page.getByRole("link", { name: "Audit log" }).click();
    await heading(page, "Audit log");
    const [first] = await page.locator("tbody tr").allTextContents();
    expect(first).toMatch(/API_KEY.*withdrew the key.*robot/);
  });
}
