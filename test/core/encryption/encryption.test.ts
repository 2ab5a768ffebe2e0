/** What types that say `encrypt` keep in Postgres and Redis, and who sees it as it is. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ConfigError, defineTask, type Environment, PermanentError, type Task } from "#core";
import { encryptionKeysOf } from "../../../packages/core/encryption-keys.ts";
import { rowsKeyOf } from "../../../packages/core/gate/scripts/keys.ts";
import { isSealed } from "../../../packages/core/tasks/encryption.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { inMs } from "../../support/bed/look.ts";
import { noting } from "../../support/bed/tasks.ts";
import { noteLog } from "../../support/run/noted-log.ts";

const newKey = (id: string) => `${id}:${randomBytes(32).toString("base64")}`;
const OLD = newKey("old");
const NEW = newKey("new");
const withKeys = (...keys: string[]): Environment => ({ TASK_ENCRYPTION_KEYS: keys.join(",") });
const SECRET = "s3cret-of-ada";
const DATA = { name: "Ada", note: SECRET };

describeOnStacks("an encrypted type", (bed) => {
  const seen: unknown[] = [];
  const definition = defineTask({
    type: "sealed",
    encrypt: true,
    maxAttempts: 2,
    backoffMs: () => 0,
    run: async (data: unknown, { task, attempt, tasks }) => {
      seen.push(data, task.task_data, (await tasks.get(task.id)).task_data);
      const { fails = 0 } = (data ?? {}) as { fails?: number };
      if (attempt <= fails) throw Object.assign(new Error(`no ${SECRET}`), { code: "broken" });
      return { said: data };
    },
  });
  const make = (env: Environment, more: object = {}) =>
    bed.make({ doorbell: noteRings(), definitions: [definition, noting().definition], env, ...more });
  /** The rows in Redis. */
  const cached = async () => {
    const ids = (await bed.sql<{ id: string }>(`select id from "baasix_Tasks"`)).map(({ id }) => String(id));
    return ids.length > 0 ? bed.redis("HMGET", rowsKeyOf(bed.prefix), ...ids) : [];
  };
  /** All that Postgres and Redis have of tasks. */
  const stored = async () => {
    const tables = ["baasix_Tasks", "tickwork_schedules", "tickwork_requests"];
    const rows = await Promise.all(
      tables.map((table) => bed.sql(`select to_jsonb(t)::text from "${table}" t`)),
    );
    return JSON.stringify([rows, await cached()]);
  };
  const row = async (id: number) => {
    const [found] = await bed.sql<Record<string, string | null>>(
      `select task_data::text, result_data::text, error_data::text, history::text from "baasix_Tasks" where id = $1`,
      [String(id)],
    );
    return found ?? {};
  };

  test("is encrypted in Postgres and in the cache, and plain for its handler and its readers", async () => {
    seen.length = 0;
    const { tasks, worker, operator, hooks } = make(withKeys(NEW));
    const heard: unknown[] = [];
    hooks.registerHook("baasix_Tasks", "items.create.after", ({ data }) => void heard.push(data.task_data));
    const task = await tasks.create([{ type: "sealed", task_data: DATA }]).then(([one]) => one as Task);
    expect(task).toMatchObject({ task_data: DATA, encrypted: ["task_data"] });
    expect(heard).toEqual([DATA]);
    expect(await operator.getNotStartedTasks()).toMatchObject([{ task_data: DATA }]);
    expect(await stored()).not.toContain(SECRET);
    // It is the cache that answered.
    expect(await cached()).toEqual([expect.stringContaining("tickwork:encrypted:1:new:")]);

    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(seen).toEqual([DATA, DATA, DATA]);
    expect(await stored()).not.toContain(SECRET);
    expect(isSealed(JSON.parse((await row(task.id)).result_data ?? ""))).toBe(true);
    const read = { task_data: DATA, result_data: { said: DATA }, encrypted: ["task_data", "result_data"] };
    expect(await tasks.get(task.id)).toMatchObject(read);
    expect(await tasks.list({ limit: 1 })).toMatchObject([read]);
    expect(await tasks.retry(task.id)).toMatchObject({ task_data: DATA, result_data: null });
  });

  test("keeps the messages of its errors encrypted over all attempts, and out of the log", async () => {
    const { log, lines } = noteLog();
    const { tasks, worker } = make(withKeys(NEW), { log });
    const [task] = await tasks.create([{ type: "sealed", task_data: { ...DATA, fails: 2 } }]);
    await worker.tick();
    const ended = await tasks.get(task?.id ?? 0);
    expect(ended).toMatchObject({
      task_status: "Error",
      error_data: {
        message: `no ${SECRET}`,
        code: "broken",
        attempts: 2,
        history: [{ message: `no ${SECRET}`, outcome: "failed" }],
      },
      history: [{ message: `no ${SECRET}` }, { message: `no ${SECRET}` }],
      encrypted: ["task_data", "error_data", "history"],
    });
    expect((ended.error_data as { stack: string }).stack).toContain(SECRET);
    expect(await stored()).not.toContain(SECRET);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
    expect(JSON.stringify(lines)).toContain("[encrypted]");
  });

  test("encrypts with the first key, and reads with all of them", async () => {
    const before = make(withKeys(OLD));
    const [old] = await before.tasks.create([{ type: "sealed", task_data: DATA }]);
    const after = make(withKeys(NEW, OLD));
    const [made] = await after.tasks.create([{ type: "sealed", task_data: DATA }]);
    expect((await row(old?.id ?? 0)).task_data).toContain(":old:");
    expect((await row(made?.id ?? 0)).task_data).toContain(":new:");
    expect(await after.worker.tick()).toMatchObject({ completed: 2 });
    expect((await row(old?.id ?? 0)).result_data).toContain(":new:");
    expect(await after.tasks.get(old?.id ?? 0)).toMatchObject({
      task_data: DATA,
      result_data: { said: DATA },
    });
  });

  test.each([false, true])(
    "waits where its key is missing, and runs when it is back (batch: %s)",
    async (batch) => {
      const definitions = [{ ...definition, batch }];
      const before = make(withKeys(OLD), { definitions });
      const [task] = await before.tasks.create([{ type: "sealed", task_data: DATA }]);
      const id = task?.id ?? 0;
      const without = make(withKeys(NEW), { definitions });
      await without.worker.tick();
      const waiting = await without.tasks.get(id);
      expect(waiting).toMatchObject({
        task_status: "Not started",
        attempts: 0,
        task_data: "[encrypted]",
        error_data: { code: "encryption_key_missing", message: expect.stringContaining('the key "old"') },
      });
      expect(Date.parse(waiting.scheduled_time)).toBeGreaterThan(Date.now() + 4 * 60_000);
      // Nothing of it is lost by a change of what is not encrypted.
      await without.tasks.update(id, { scheduled_time: new Date() });
      const back = make(withKeys(NEW, OLD), { definitions });
      expect(await back.worker.tick()).toMatchObject({ completed: 1 });
      expect(await back.tasks.get(id)).toMatchObject({ result_data: { said: DATA }, error_data: null });
    },
  );

  test.each([
    ["one bit is changed", (sealed: string) => sealed.replace(/.$/, (last) => (last === "A" ? "Q" : "A"))],
    ["it is cut", (sealed: string) => sealed.slice(0, -8)],
    ["nothing is left of it", (sealed: string) => sealed.slice(0, sealed.lastIndexOf(":") + 1)],
  ])("fails where %s, and keeps what is there", async (_, change) => {
    const { tasks, worker } = make(withKeys(NEW));
    const [task] = await tasks.create([{ type: "sealed", task_data: DATA }]);
    const id = task?.id ?? 0;
    const sealed = JSON.parse((await row(id)).task_data ?? "") as string;
    const write = (text: string) =>
      bed.sql(`update "baasix_Tasks" set task_data = $1 where id = $2`, [JSON.stringify(text), String(id)]);
    await write(change(sealed));
    expect(await worker.tick()).toMatchObject({ failed: 1 });
    expect(await tasks.get(id)).toMatchObject({
      task_status: "Error",
      task_data: "[encrypted]",
      error_data: { code: "decryption_failed" },
    });
    await write(sealed);
    await tasks.retry(id);
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });

  test("cannot be read as another type, nor a result as that of another task", async () => {
    const other = defineTask({ type: "other", encrypt: true, run: async () => ({ said: SECRET }) });
    const { tasks, worker } = make(withKeys(NEW), { definitions: [definition, other] });
    const [one, two] = await tasks.create([
      { type: "sealed", task_data: DATA },
      { type: "other", task_data: DATA },
    ]);
    await bed.sql(
      `update "baasix_Tasks" t set task_data = (select task_data from "baasix_Tasks" where id = $1) where id = $2`,
      [String(one?.id), String(two?.id)],
    );
    expect(await worker.tick()).toMatchObject({ completed: 1, failed: 1 });
    expect(await tasks.get(two?.id ?? 0)).toMatchObject({ error_data: { code: "decryption_failed" } });
    const [third] = await tasks.create([{ type: "sealed", task_data: DATA }]);
    await worker.tick();
    await bed.sql(
      `update "baasix_Tasks" t set result_data = (select result_data from "baasix_Tasks" where id = $1) where id = $2`,
      [String(one?.id), String(third?.id)],
    );
    expect(await tasks.get(third?.id ?? 0)).toMatchObject({ result_data: "[encrypted]" });
  });

  test("takes plain data that SQL wrote, and encrypts its result", async () => {
    const { tasks, worker } = make(withKeys(NEW));
    await bed.sql(`select tickwork.enqueue('sealed', $1::json)`, [JSON.stringify(DATA)]);
    expect(await worker.tick({ askPostgres: true })).toMatchObject({ completed: 1 });
    const [task] = await tasks.list({ limit: 1 });
    expect(task).toMatchObject({ task_data: DATA, result_data: { said: DATA }, encrypted: ["result_data"] });
  });

  test("is not taken for data that looks like it", async () => {
    const { tasks } = make(withKeys(NEW));
    const [task] = await tasks.create([{ type: "sealed", task_data: DATA }]);
    const sealed = JSON.parse((await row(task?.id ?? 0)).task_data ?? "") as string;
    for (const given of [
      { type: "note", task_data: sealed },
      { type: "sealed", task_data: sealed },
      { type: "sealed", task_data: "[encrypted]" },
    ])
      await expect(tasks.create([given])).rejects.toMatchObject({ code: "invalid_request" });
    await expect(tasks.update(task?.id ?? 0, { task_data: "[encrypted]" })).rejects.toThrow(
      "the data itself",
    );
    await expect(tasks.create([{ type: "note", task_data: "[encrypted]" }])).resolves.toHaveLength(1);
  });

  test("goes to another type with its data only, and is encrypted for that", async () => {
    const { tasks } = make(withKeys(NEW));
    const [task] = await tasks.create([{ type: "sealed", task_data: DATA }]);
    const id = task?.id ?? 0;
    await expect(tasks.update(id, { type: "note" })).rejects.toMatchObject({ code: "invalid_request" });
    await tasks.update(id, { type: "note", task_data: { open: 1 } });
    expect((await row(id)).task_data).toContain('"open"');
    await expect(tasks.update(id, { type: "sealed" })).rejects.toMatchObject({ code: "invalid_request" });
    expect(await tasks.update(id, { type: "sealed", task_data: DATA })).toMatchObject({ task_data: DATA });
    expect(await stored()).not.toContain(SECRET);
  });

  test("is unique by its plain data, and idempotent by it", async () => {
    const unique = { ...definition, unique: { key: () => "only" } };
    const { tasks } = make(withKeys(NEW), { definitions: [unique] });
    const given = { type: "sealed", task_data: DATA };
    const [one] = await tasks.create([given], { idempotencyKey: "once" });
    const [same] = await tasks.create([given], { idempotencyKey: "once" });
    expect(same).toMatchObject({ id: one?.id, task_data: DATA });
    const [kept] = await tasks.create([given]);
    expect(kept).toMatchObject({ id: one?.id, task_data: DATA, unique_outcome: "kept" });
    const replacing = {
      ...given,
      task_data: { name: "Alan" },
      unique_key: "only",
      on_conflict: "replace" as const,
    };
    expect(await tasks.create([replacing])).toMatchObject([{ id: one?.id, task_data: { name: "Alan" } }]);
    expect(await stored()).not.toContain("Alan");
  });

  test("runs in batches, and its data is migrated when it is decrypted", async () => {
    const old = make(withKeys(NEW), { definitions: [definition] });
    await old.tasks.create([{ type: "sealed", task_data: { was: SECRET } }]);
    const inBatches = defineTask({
      type: "sealed",
      encrypt: true,
      version: 2,
      migrate: (data) => ({ is: (data as { was: string }).was }),
      runMany: async (items) =>
        items.map(({ data, task }) =>
          (data as { is: string }).is === "bad"
            ? { error: new PermanentError(`no ${SECRET}`) }
            : { result: { data, row: task.task_data } },
        ),
    });
    const { tasks, worker } = make(withKeys(NEW), { definitions: [inBatches] });
    await tasks.create([
      { type: "sealed", task_data: { is: "two" } },
      { type: "sealed", task_data: { is: "bad" } },
    ]);
    expect(await worker.tick()).toMatchObject({ completed: 2, failed: 1 });
    expect(await tasks.list({ limit: 3 })).toMatchObject([
      { error_data: { message: `no ${SECRET}` } },
      { result_data: { data: { is: "two" } } },
      { result_data: { data: { is: SECRET }, row: { was: SECRET } } },
    ]);
    expect(await stored()).not.toContain(SECRET);
  });

  test("is encrypted in its schedules, and in what these make", async () => {
    const { schedules, tasks, worker } = make(withKeys(NEW));
    const put = await schedules.put("nightly", { every_seconds: 3_600, type: "sealed", task_data: DATA });
    expect(put).toMatchObject({ task_data: DATA, encrypted: ["task_data"] });
    expect(await schedules.put("nightly", { paused: true })).toMatchObject({ task_data: DATA });
    expect(await schedules.run("nightly")).toMatchObject({ task_data: DATA });
    expect(await stored()).not.toContain(SECRET);
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(await tasks.list({ limit: 1 })).toMatchObject([{ result_data: { said: DATA } }]);
  });

  test("is not found by a text, neither its data nor its ciphertext", async () => {
    const { tasks } = make(withKeys(NEW));
    const plain = { type: "note", task_data: { note: SECRET }, scheduled_time: inMs(60_000) };
    await tasks.create([{ type: "sealed", task_data: DATA, scheduled_time: inMs(60_000) }, plain]);
    expect(await tasks.list({ text: SECRET, limit: 5 })).toMatchObject([{ type: "note" }]);
    const sealed = JSON.parse((await row(1)).task_data ?? "") as string;
    for (const text of ["tickwork:enc", sealed.slice(-6)])
      expect(await tasks.list({ text, limit: 5 })).toEqual([]);
  });

  test("is refused where there is no key, in one line, and nothing starts", async () => {
    const start = () => make({});
    expect(start).toThrow(ConfigError);
    expect(start).toThrow(/^TASK_ENCRYPTION_KEYS must be keys like .*type "sealed" are encrypted.*$/);
  });

  test("costs others nothing: no query, no command, and their rows are as they were", async () => {
    const { tasks, worker } = make(withKeys(NEW));
    const run = async () => {
      bed.counts.reset();
      await tasks.create([{ type: "note", task_data: DATA }]);
      await worker.tick();
      return { ...bed.counts };
    };
    await run();
    const first = await run();
    await tasks.create([{ type: "sealed", task_data: DATA }]);
    await worker.tick();
    expect(await run()).toMatchObject({ postgres: first.postgres, redis: first.redis });
    expect(await tasks.list({ type: "note", limit: 1 })).toEqual([
      expect.not.objectContaining({ encrypted: expect.anything() }),
    ]);
  });
});

test("keys are 32 bytes, with ids that differ; what is wrong with them does not show them", () => {
  const names = encryptionKeysOf("K", `${OLD}, ${NEW}`).map(({ id }) => id);
  expect(names).toEqual(["old", "new"]);
  for (const wrong of ["abc", `a:${randomBytes(16).toString("base64")}`, `a b:${OLD.slice(4)}`, `${OLD},x`]) {
    const refused = () => encryptionKeysOf("TASK_ENCRYPTION_KEYS", wrong);
    expect(refused).toThrow(/^TASK_ENCRYPTION_KEYS must be keys like .*, got something else\.$/);
  }
  expect(() => encryptionKeysOf("K", `${OLD},${newKey("old")}`)).toThrow('got "old", twice');
});
