/** The apps in `examples/`: somebody signs up, and a task welcomes them. */
import { describe, expect, test, vi } from "vitest";
import { welcome as expressTask } from "../../examples/express/src/tasks.ts";
import { welcome as honoTask } from "../../examples/hono/src/tasks.ts";
import { welcome as nextTask } from "../../examples/nextjs/tasks.ts";
import { serversAnswer } from "../../scripts/local-servers.ts";
import { eventually } from "../support/eventually.ts";
import { runTasks, startApp } from "../support/example-app.ts";

const LIMIT = { limitMs: 15_000 };
const ADA = { email: "ada@example.com" };
const json = (body: unknown) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

async function signUpAt(url: string): Promise<void> {
  const made = await fetch(`${url}/sign-ups`, json(ADA));
  expect(made.status).toBe(202);
  const { id } = (await made.json()) as { id: number };
  const completed = await eventually(async () => {
    const seen = (await (await fetch(`${url}/sign-ups/${id}`)).json()) as { status: string };
    return seen.status === "Completed" && seen;
  }, LIMIT);
  expect(completed).toEqual({ status: "Completed", result: { welcomed: ADA.email } });
  // Who signs up twice is welcomed once.
  expect(await (await fetch(`${url}/sign-ups`, json(ADA))).json()).toEqual({ id });
  const refused = await fetch(`${url}/sign-ups`, json({ email: "nobody" }));
  expect(refused.status).toBe(422);
  expect(await refused.json()).toMatchObject({ error: "invalid_request" });
}

test("Express, with everything else embedded", { timeout: 60_000 }, async () => {
  const addresses = await runTasks([expressTask], true);
  await signUpAt(await startApp("express", addresses));
});

describe.skipIf(!serversAnswer)("on real servers", () => {
  test("Hono", { timeout: 60_000 }, async () => {
    const addresses = await runTasks([honoTask], false);
    await signUpAt(await startApp("hono", addresses));
  });

  test("the route handlers of Next.js, without Next", { timeout: 60_000 }, async () => {
    const { DATABASE_URL, CACHE_REDIS_URL } = await runTasks([nextTask], false);
    vi.stubEnv("DATABASE_URL", DATABASE_URL);
    vi.stubEnv("CACHE_REDIS_URL", CACHE_REDIS_URL);
    const { POST } = await import("../../examples/nextjs/app/api/sign-ups/route.ts");
    const { GET } = await import("../../examples/nextjs/app/api/sign-ups/[id]/route.ts");
    const { tickwork } = await import("../../examples/nextjs/lib/tickwork.ts");
    const made = await POST(new Request("http://localhost/api/sign-ups", json(ADA)));
    expect(made.status).toBe(202);
    const { id } = (await made.json()) as { id: number };
    const completed = await eventually(async () => {
      const params = Promise.resolve({ id: String(id) });
      const seen = await (await GET(new Request("http://localhost"), { params })).json();
      return (seen as { status: string }).status === "Completed" && seen;
    }, LIMIT);
    expect(completed).toMatchObject({ result: { welcomed: ADA.email } });
    await tickwork.close();
    vi.unstubAllEnvs();
  });
});
