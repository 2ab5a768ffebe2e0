/** Waiting for a task: what it costs, what it survives, and where it ends. */
import { describe, expect, test } from "vitest";
import { TickworkTimeoutError } from "#client";
import { useBed } from "../support/bed/describe-on-stacks.ts";
import { clientBed } from "../support/client/client-bed.ts";
import { eventually } from "../support/eventually.ts";

describe("waiting for a task", () => {
  const on = clientBed(useBed("embedded"));
  const inMs = (ms: number) => new Date(Date.now() + ms);
  /** When the task was looked at. */
  const looks = () => on.front.requests.filter(({ method }) => method === "GET").map(({ atMs }) => atMs);

  test("ends with its error when it fails", async () => {
    const client = on.client();
    const ended = await client.waitFor(
      await client.create({ type: "fail", task_data: { code: "on_purpose" } }),
    );
    expect(ended).toMatchObject({
      task_status: "Error",
      error_data: { message: "it was meant to fail", code: "on_purpose" },
    });
  });

  test("needs no more than its id", async () => {
    const { id } = await on.client().create({ type: "greet", task_data: { name: "Ada" } });
    expect(await on.anyClient().waitFor(id)).toMatchObject({ id, result_data: { hello: "Ada" } });
  });

  test("looks less and less often", async () => {
    const client = on.anyClient();
    const { id } = await client.create({ type: "gated" });
    const waiting = client.waitFor(id);
    const { finish } = await eventually(() => looks().length > 0 && on.starts[0]);
    const before = looks().length;
    const times = await eventually(() => looks().length >= before + 8 && looks().slice(before - 1));
    // Jitter shortens the pauses of 100, 150, 225, … ms by up to half.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_600);
    finish("done");
    expect(await waiting).toMatchObject({ task_status: "Completed", result_data: "done" });
  });

  test("leaves a task alone that is not due yet, and looks again when it is", async () => {
    const client = on.client();
    const due = inMs(1_500);
    const task = await client.create({ type: "greet", task_data: { name: "Ada" }, scheduled_time: due });
    await client.waitFor(task);
    expect(looks().filter((atMs) => atMs < due.getTime()).length).toBeLessThanOrEqual(1);
    expect(looks().length).toBeLessThan(10);
  });

  test("tells each change of the task once, its end included", async () => {
    const client = on.client();
    const seen: string[] = [];
    const revs: number[] = [];
    await client.waitFor(
      await client.create({ type: "slow", task_data: { ms: 700 }, scheduled_time: inMs(300) }),
      {
        onProgress: ({ task_status, progress, rev }) => {
          seen.push(`${task_status} ${progress}`);
          revs.push(rev);
        },
      },
    );
    expect(seen[0]).toBe("Not started null");
    expect(seen).toContain("Running 0.25");
    expect(seen.at(-1)).toBe("Completed 1");
    expect(new Set(revs).size).toBe(revs.length);
  });

  test("goes on while the server is away, once it has seen the task", async () => {
    const client = on.client({ retries: 0 });
    const task = await client.create({
      type: "greet",
      task_data: { name: "Ada" },
      scheduled_time: inMs(500),
    });
    const waiting = client.waitFor(task);
    await eventually(() => looks().length > 0);
    on.front.faults = [{ status: 503 }, "cut", { status: 429 }, "halve the answer"];
    expect(await waiting).toMatchObject({ task_status: "Completed" });
    expect(on.front.faults).toEqual([]);
    on.front.faults = [{ status: 503 }];
    await expect(client.waitFor(task)).rejects.toMatchObject({ status: 503 });
  });

  test("ends when its time is over: with the status of the task, and with what kept it from seeing more", async () => {
    const client = on.anyClient();
    const { id } = await client.create({ type: "gated", scheduled_time: inMs(60_000) });
    const beganMs = Date.now();
    const late = await client.waitFor(id, { timeoutMs: 1_500 }).catch((error: unknown) => error);
    expect(late).toBeInstanceOf(TickworkTimeoutError);
    expect(late).toMatchObject({
      message: `Task ${id} did not end within 1500 ms; it was "Not started" when it was last seen.`,
      cause: undefined,
    });
    // The last look is a quarter of a second before the end.
    expect(Date.now() - beganMs).toBeGreaterThanOrEqual(1_249);
    const running = await client.create({ type: "gated" });
    const { finish } = await eventually(() => on.starts[0]);
    on.front.faults = ["pass"];
    on.front.always = { status: 502 };
    await expect(client.waitFor(running.id, { timeoutMs: 3_000 })).rejects.toMatchObject({
      name: "TickworkTimeoutError",
      message: expect.stringContaining('it was "Running" when it was last seen'),
      cause: { status: 502 },
    });
    finish("done");
  });

  test("ends when the task is deleted", async () => {
    const client = on.client();
    const task = await client.create({ type: "slow", scheduled_time: inMs(800) });
    const waiting = client.waitFor(task);
    await eventually(() => looks().length > 0);
    await client.remove(task);
    await expect(waiting).rejects.toMatchObject({ code: "task_not_found" });
  });

  test("ends with what the caller's own code throws", async () => {
    const task = await on.client().create({ type: "slow" });
    const waiting = on.client().waitFor(task, {
      onProgress: () => {
        throw new Error("no terminal to draw on");
      },
    });
    await expect(waiting).rejects.toThrow("no terminal to draw on");
  });
});
