/** What happens when no answer comes, or a wrong one: what is repeated, what is not, and where it ends. */
import { describe, expect, test } from "vitest";
import {
  type ClientOptions,
  createClient,
  TickworkApiError,
  TickworkNetworkError,
  TickworkTimeoutError,
} from "#client";
import { pauseBefore } from "../../packages/client/repetition.ts";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { clientBed } from "../support/client/client-bed.ts";
import type { Fault } from "../support/client/front.ts";
import { eventually } from "../support/eventually.ts";
import { serve, type TestServer } from "../support/web/server.ts";

const LATER = "2999-01-01T00:00:00Z";
/** What a gateway in front of a service that is gone answers. */
const GONE: Fault = { status: 503, body: "<h1>Service Unavailable</h1>" };
/** What a gateway answers when there are too many requests. */
const TOO_MANY: Fault = { status: 429 };

describeOnStacks("when requests fail, a client", (bed) => {
  const on = clientBed(bed);
  const client = () => on.client();
  /** Fast to give up what is never answered. */
  const clientFor = (fault: Fault) =>
    on.client(fault === "hang" || fault === "keep the answer" ? { attemptTimeoutMs: 1_000 } : {});
  const sent = () => on.front.requests.map(({ method, path }) => `${method} ${path}`);
  const greet = { type: "greet", task_data: { name: "Ada" }, scheduled_time: LATER } as const;
  /** A task that waits, and what was sent so far is forgotten. */
  const waiting = async () => {
    const task = await client().create(greet);
    on.front.requests.length = 0;
    return task;
  };

  test.each<Fault>([GONE, TOO_MANY, { status: 500 }, "cut", "hang", "halve the answer"])(
    "reads again after %j",
    async (fault) => {
      on.front.faults = [fault];
      expect(await clientFor(fault).stats()).toMatchObject({ taskTimeWindow: "4 hours" });
      expect(sent().length).toBeGreaterThan(1);
    },
  );

  test.each<Fault>(["lose the answer", "halve the answer", "keep the answer"])(
    "creates nothing twice when the API has created it and then: %s",
    async (fault) => {
      on.front.faults = [fault, fault];
      const task = await clientFor(fault).create(greet);
      on.front.faults = [fault];
      const tasks = await clientFor(fault).createMany([greet, greet]);
      expect([task, ...tasks].map(({ task_data }) => task_data)).toEqual(Array(3).fill(greet.task_data));
      expect(await on.count()).toBe(3);
      const keys = on.front.requests.map(({ headers }) => headers["idempotency-key"]);
      expect([new Set(keys.slice(0, 3)).size, new Set(keys).size]).toEqual([1, 2]);
    },
  );

  test("has deleted a task whose repetition finds none; but a task that never was is an error", async () => {
    const { id } = await waiting();
    on.front.faults = ["lose the answer"];
    await client().remove(id);
    expect(sent()).toEqual([`DELETE /tasks/${id}`, `DELETE /tasks/${id}`]);
    await expect(client().remove(id)).rejects.toMatchObject({ code: "task_not_found" });
    // The first one was turned away, so it was not this one that deleted it.
    on.front.faults = [TOO_MANY];
    await expect(client().remove(id)).rejects.toMatchObject({ code: "task_not_found" });
  });

  test("has cancelled a task whose repetition finds it cancelled; but one that had ended is an error", async () => {
    const task = await waiting();
    on.front.faults = ["lose the answer"];
    expect(await client().cancel(task)).toMatchObject({ error_data: { code: "cancelled" } });
    await expect(client().cancel(task)).rejects.toMatchObject({ code: "task_finished" });
    const ended = await client().waitFor(
      await client().create({ type: "greet", task_data: { name: "Grace" } }),
    );
    on.front.faults = ["cut"];
    await expect(client().cancel(ended)).rejects.toMatchObject({ code: "task_finished" });
  });

  test.each<Fault>(["lose the answer", "cut", GONE])(
    "does not repeat a change that may have been made: %j",
    async (fault) => {
      const { id } = await waiting();
      on.front.faults = [fault];
      const failure = fault === GONE ? TickworkApiError : TickworkNetworkError;
      await expect(client().update(id, { max_attempts: 2 })).rejects.toThrow(failure);
      on.front.faults = [fault];
      await expect(client().retry(id)).rejects.toThrow(failure);
      expect(sent()).toEqual([`PATCH /tasks/${id}`, `POST /tasks/${id}/retry`]);
    },
  );

  test("repeats a change that was turned away, or did not get there", async () => {
    const { id } = await waiting();
    on.front.faults = [TOO_MANY];
    expect(await client().update(id, { max_attempts: 2 })).toMatchObject({ max_attempts: 2 });
    await on.front.close();
    let refused = 0;
    const noting: ClientOptions["fetch"] = (url, init) =>
      fetch(url, init).catch((error: { cause: { code: string } }) => {
        if (error.cause.code === "ECONNREFUSED") refused++;
        throw error;
      });
    // A connection that was open may have carried it there: nothing is certain until there is none.
    const { stats, update } = on.client({ fetch: noting });
    const reading = stats();
    await eventually(() => refused > 0);
    const changing = update(id, { max_attempts: 3 });
    await eventually(() => refused > 1);
    await on.front.open();
    await reading;
    expect(await changing).toMatchObject({ max_attempts: 3 });
  });

  test("does not repeat what the API refuses", async () => {
    await expect(client().get(7)).rejects.toThrow("There is no task 7.");
    expect(sent()).toEqual(["GET /tasks/7"]);
  });
});

/** A server that answers as it is told, and has never anything to do with Tickwork. */
const answering = (fault: { status: number; headers?: Record<string, string>; body?: string }) =>
  serve((_, response) => response.writeHead(fault.status, fault.headers).end(fault.body));
const hanging = () => serve(() => {});

describe("a call ends", () => {
  test("after so many repetitions, with the last answer", async () => {
    const body = '{"error":{"code":"postgres_unavailable","message":"A database does not answer."}}';
    const { url, received } = await answering({ status: 503, body });
    await expect(createClient({ url, retries: 2 }).get(7)).rejects.toMatchObject({
      status: 503,
      code: "postgres_unavailable",
      message: "A database does not answer.",
    });
    expect(received).toHaveLength(3);
    await expect(createClient({ url, retries: 0 }).get(7)).rejects.toThrow(TickworkApiError);
    expect(received).toHaveLength(4);
  });

  test("after so many repetitions, with what the network said", async () => {
    const server = await serve((request) => request.socket.destroy());
    const failure = await createClient({ url: server.url, retries: 2 })
      .create({ type: "a" })
      .catch((e) => e);
    expect(failure).toBeInstanceOf(TickworkNetworkError);
    expect(failure.message).toMatch(
      /^Tickwork at http:\/\/127\.0\.0\.1:\d+ does not answer: fetch failed: other side closed\.$/,
    );
    expect(failure.cause).toBeInstanceOf(TypeError);
    expect(server.received).toHaveLength(3);
  });

  test("when its time is over, in the middle of a request", async () => {
    const { url, received } = await hanging();
    const beganMs = Date.now();
    const call = createClient({ url, timeoutMs: 400 }).retry(7);
    await expect(call).rejects.toThrow(TickworkTimeoutError);
    await expect(call).rejects.toThrow("POST /tasks/7/retry was not answered within 400 ms.");
    expect(Date.now() - beganMs).toBeGreaterThanOrEqual(399);
    expect(received).toHaveLength(1);
  });

  test("when its time is over, with what had gone wrong before", async () => {
    let answered = 0;
    const { url } = await serve((_, response) => {
      if (answered++ === 0) response.writeHead(502).end();
    });
    await expect(createClient({ url, timeoutMs: 2_000 }).get(7)).rejects.toMatchObject({
      name: "TickworkTimeoutError",
      cause: { status: 502 },
    });
  });

  test("when the next pause would take longer than there is time", async () => {
    const { url, received } = await answering({ status: 500 });
    const call = createClient({ url, timeoutMs: 2_000, retries: Number.POSITIVE_INFINITY }).get(7);
    await expect(call).rejects.toMatchObject({ status: 500 });
    expect(received.length).toBeGreaterThan(1);
    // The first five pauses alone are longer than that.
    expect(received.length).toBeLessThan(6);
    const strict = await answering({ status: 429, headers: { "retry-after": "3600" } });
    await expect(createClient({ url: strict.url }).update(7, {})).rejects.toMatchObject({
      status: 429,
      retryAfterMs: 3_600_000,
    });
    expect(strict.received).toHaveLength(1);
  });
});

describe("a pause", () => {
  test.each<[string, () => string]>([
    ["seconds", () => "1"],
    ["a date", () => new Date(Date.now() + 2_000).toUTCString()],
  ])("is never shorter than Retry-After asks for in %s", async (_, retryAfter) => {
    const times: number[] = [];
    const { url } = await serve((_request, response) => {
      times.push(Date.now());
      if (times.length > 1) response.end("{}");
      else response.writeHead(429, { "retry-after": retryAfter() }).end();
    });
    await createClient({ url }).retry(7);
    // A date has whole seconds only.
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(999);
  });

  test("grows from a quarter of a second to five, and is up to a half shorter at random", () => {
    for (let repetition = 0; repetition < 40; repetition++) {
      const longest = Math.min(250 * 2 ** repetition, 5_000);
      const pauses = Array.from({ length: 50 }, () => pauseBefore(repetition, new Error()));
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(longest / 2);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(longest);
      expect(new Set(pauses).size).toBeGreaterThan(1);
    }
  });
});

describe("a signal that aborts ends a call at once, with its reason", () => {
  /** Aborts when the server has got so many requests. */
  async function abortedAfter(
    requests: number,
    server: TestServer,
    call: (signal: AbortSignal) => Promise<unknown>,
  ) {
    const controller = new AbortController();
    const reason = new Error("enough");
    const outcome = call(controller.signal).catch((error: unknown) => error);
    await eventually(() => server.received.length >= requests);
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    expect(server.received).toHaveLength(requests);
  }

  test("before it begins", async () => {
    const server = await hanging();
    await abortedAfter(0, server, async (signal) => createClient({ url: server.url }).stats({ signal }));
    const stale = AbortSignal.abort();
    await expect(createClient({ url: server.url }).stats({ signal: stale })).rejects.toBe(stale.reason);
    expect(server.received).toEqual([]);
  });

  test("while it waits for an answer, and the server sees that nobody waits for it any more", async () => {
    let isLeft = false;
    const server = await serve((_, response) => {
      response.on("close", () => {
        isLeft = true;
      });
    });
    await abortedAfter(1, server, (signal) =>
      createClient({ url: server.url }).create({ type: "a" }, { signal }),
    );
    await eventually(() => isLeft);
  });

  test("while it waits for the rest of an answer", async () => {
    const server = await serve((_, response) => void response.write('{"id":'));
    await abortedAfter(1, server, (signal) => createClient({ url: server.url }).get(7, { signal }));
  });

  test("between two repetitions", async () => {
    const server = await answering({ status: 503, headers: { "retry-after": "20" } });
    await abortedAfter(1, server, (signal) => createClient({ url: server.url }).get(7, { signal }));
  });

  test("while it waits for a task", async () => {
    const task = { id: 7, task_status: "Not started", scheduled_time: LATER };
    const server = await answering({ status: 200, body: JSON.stringify(task) });
    await abortedAfter(1, server, (signal) => createClient({ url: server.url }).waitFor(7, { signal }));
  });

  test("between the tasks of a list", async () => {
    const page = { tasks: [{ id: 1 }], next_cursor: "a" };
    const server = await answering({ status: 200, body: JSON.stringify(page) });
    await abortedAfter(1, server, async (signal) => {
      for await (const { id } of createClient({ url: server.url }).list({}, { signal }))
        await eventually(() => signal.aborted && id);
    });
  });

  test("also when `fetch` takes no notice of it", async () => {
    const server = await hanging();
    const deaf = createClient({
      url: server.url,
      fetch: (url, { signal: _, ...init }) => fetch(url, init),
    });
    await abortedAfter(1, server, (signal) => deaf.stats({ signal }));
    await expect(deaf.stats({ timeoutMs: 100 })).rejects.toThrow(TickworkTimeoutError);
  });
});
