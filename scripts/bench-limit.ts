/**
 * `npm run bench:limit`: how far a task in Postgres is from the least that it could take. Strict mode settles a task and claims
 * the next one in one statement, which is committed: beside it stand a committed update of one bare row, without which
 * the promise cannot be kept, and a round trip that does nothing. A batch settles a thousand tasks and leases the next
 * thousand: beside it stand the two bare updates of each row. They take turns on the PostgreSQL of this machine, with
 * and without waiting for the disk.
 */
import type { Task } from "../packages/core/tasks/task.ts";
import { claimOne, oneAfterTheOther, openStore } from "./bench-store.ts";
import { serversAnswer } from "./local-servers.ts";
import { median } from "./median.ts";

const ROUNDS = 9;
/** Of a round, in strict mode and in a batch. */
const TASKS = 300;
const BATCH = 1_000;
const TYPE = "limit";

async function open(synchronousCommit: "on" | "off", waiting: number) {
  const opened = await openStore(TYPE, `-c synchronous_commit=${synchronousCommit}`);
  const { sql } = opened;
  await sql(
    `insert into "baasix_Tasks" (type, task_data, scheduled_time)
      select $1, '{"to":"somebody"}', now() - interval '1 hour' + n * interval '1 ms' from generate_series(1, $2::int) n`,
    [TYPE, waiting],
  );
  await sql(`vacuum analyze "baasix_Tasks"`);
  /** Tasks that are due last, so that nobody else comes to them. */
  const last = async (count: number) => {
    const rows = await sql(
      `select id from "baasix_Tasks" where task_status = 'Not started' order by scheduled_time desc limit $1`,
      [count],
    );
    return (rows as { id: string }[]).map(({ id }) => id);
  };
  return { ...opened, last };
}
type Side = Awaited<ReturnType<typeof open>>;

/** Microseconds for each of `count`. */
async function timed(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return ((performance.now() - began) * 1_000) / count;
}

/** One task after the other. */
function strict({ sql, last, store }: Side) {
  const worker = oneAfterTheOther(store);
  const each = async (work: (n: number) => Promise<unknown>) => {
    for (let n = 0; n < TASKS; n++) await work(n);
  };
  return {
    "settle a task and claim the next": () => timed(TASKS, () => each(worker.next)),
    "a bare update of one row": async () => {
      const ids = await last(TASKS);
      const bare = `update "baasix_Tasks" set task_status = 'Completed', rev = rev + 1 where id = $1`;
      return timed(TASKS, () => each((n) => sql(bare, [ids[n]])));
    },
    "a round trip": () => timed(TASKS, () => each(() => sql("select 1"))),
  };
}

/** A thousand at a time. */
function batch({ sql, last, store }: Side) {
  let held: { token: string; tasks: Task[] } = { token: "none", tasks: [] };
  const types = { types: [TYPE], sizes: [2 * BATCH] };
  const lease = async () => {
    const token = crypto.randomUUID();
    const ends = held.tasks.map((task) => ({
      ...{ task, outcome: { kind: "completed", result: { n: 1 } } as const, json: '{"n":1}' },
      ...{ lateness: undefined, startedAgoMs: 1, endedAgoMs: 1 },
    }));
    const next = { token, count: BATCH, held: 0 };
    const { leased } = await store.settleBatch(
      { slot: 0, tokens: [held.token], ends, leader: undefined, next },
      types,
    );
    if (leased.length !== BATCH) throw new Error(`a batch must find ${BATCH} tasks, got ${leased.length}`);
    held = { token, tasks: leased };
  };
  /** A batch begins with one task, which a claim finds. */
  const begin = async () => {
    const { token, task } = await claimOne(store);
    held = { token, tasks: [task] };
    await lease();
  };
  return {
    "settle a thousand and lease the next": async () => {
      if (held.tasks.length === 0) await begin();
      return timed(BATCH, lease);
    },
    "two bare updates of each row": async () => {
      const ids = [`{${await last(BATCH)}}`];
      const update = (set: string) =>
        sql(`update "baasix_Tasks" set ${set}, rev = rev + 1 where id = any($1::bigint[])`, ids);
      return timed(BATCH, async () => {
        await update("task_status = 'Running', lease_token = 'bare', lease_expires_at = now()");
        await update("task_status = 'Completed', lease_token = null, lease_expires_at = null");
      });
    },
  };
}

async function compare(ways: Record<string, () => Promise<number>>): Promise<Map<string, number>> {
  const took = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  // The first round plans and warms up.
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, way] of Object.entries(ways)) {
      const us = await way();
      if (round > 0) took.get(name)?.push(us);
    }
  return new Map([...took].map(([name, times]) => [name, median(times)]));
}

if (!serversAnswer) {
  console.error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  process.exit(1);
}
const MODES = [
  ["strict", strict, 2 * (ROUNDS + 2) * TASKS],
  ["batch", batch, 2 * (ROUNDS + 3) * BATCH],
] as const;
console.log("| µs a task | | committed | without waiting for the disk |\n| --- | --- | ---: | ---: |");
for (const [mode, waysOf, waiting] of MODES) {
  const [on, off] = [await open("on", waiting), await open("off", waiting)];
  try {
    const [waits, goesOn] = [await compare(waysOf(on)), await compare(waysOf(off))];
    for (const [name, us] of waits)
      console.log(`| ${mode} | ${name} | ${us.toFixed(0)} | ${goesOn.get(name)?.toFixed(0)} |`);
  } finally {
    await Promise.all([on.close(), off.close()]);
  }
}
