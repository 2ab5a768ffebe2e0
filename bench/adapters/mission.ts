/**
 * The pattern in the documentation of Baasix's TasksService: the list of waiting tasks in Redis, a flag for what runs,
 * and a schedule extension that runs the first task. By default it does so every five minutes, as there; tuned, it goes on
 * as long as there are tasks, and otherwise looks each second. Without Sequelize, which would make it slower.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import pg from "pg";
import type { Form, Given, NewTask, TaskData } from "../contender.ts";
import { serve } from "../serve.ts";

const PAUSE_MS: Record<Form, number> = { default: 300_000, tuned: 1_000 };
const REFRESH_SECONDS = 600;
const LIST = "tasks:list";
const RUNNING = "tasks:running";

interface Row {
  id: number;
  scheduled_time: string;
  task_data: TaskData;
}

function open({ databaseUrl, redisUrl }: Given) {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const redis = new Redis(redisUrl);
  // The service does so after each change, by its hooks.
  const invalidate = () => redis.del(LIST);
  return {
    pool,
    redis,
    async create(tasks: NewTask[]) {
      const rows = tasks.map(({ data, at }) => ({ scheduled_time: at ?? new Date(), task_data: data }));
      await pool.query(
        `insert into "baasix_Tasks" (type, scheduled_time, task_data)
         select 'noop', scheduled_time, task_data
         from jsonb_to_recordset($1) as given (scheduled_time timestamptz, task_data jsonb)`,
        [JSON.stringify(rows)],
      );
      await invalidate();
    },
    async update(id: number, status: string, result?: TaskData) {
      await pool.query(
        `update "baasix_Tasks" set task_status = $2, result_data = $3, "updatedAt" = now() where id = $1`,
        [id, status, result ?? null],
      );
      await invalidate();
    },
    async refresh(): Promise<Row[]> {
      const { rows } = await pool.query<Row>(
        `select * from "baasix_Tasks"
         where task_status = 'Not started' and scheduled_time <= now() + interval '4 hours' order by scheduled_time`,
      );
      await redis.set(LIST, JSON.stringify(rows));
      return rows;
    },
    async notStarted(): Promise<Row[]> {
      const list = await redis.get(LIST);
      return list === null ? this.refresh() : (JSON.parse(list) as Row[]);
    },
  };
}

serve({
  async prepare(given) {
    const { pool, redis } = open(given);
    await pool.query(`create table "baasix_Tasks" (
      id serial primary key, task_status text not null default 'Not started', type text not null,
      scheduled_time timestamptz not null, attachment_id uuid, task_data jsonb, result_data jsonb, error_data jsonb,
      "createdAt" timestamptz not null default now(), "updatedAt" timestamptz not null default now());
      create index on "baasix_Tasks" (task_status, scheduled_time)`);
    await pool.end();
    redis.disconnect();
  },

  async openCreator(given) {
    const { create } = open(given);
    return { createOne: async (task) => create([task]), createMany: create };
  },

  async startWorker(given, handler) {
    const service = open(given);
    /** The body of the extension; false when there was nothing to do. */
    const job = async (): Promise<boolean> => {
      if ((await service.redis.get(RUNNING)) === "true") return false;
      await service.redis.set(RUNNING, "true");
      try {
        // There the first is taken even if it is due in an hour; here it waits.
        const [task] = (await service.notStarted()).filter(
          (one) => Date.parse(one.scheduled_time) <= Date.now(),
        );
        if (!task) return false;
        await service.update(task.id, "Running");
        await service.update(task.id, "Completed", await handler(task.task_data));
        return true;
      } finally {
        await service.redis.set(RUNNING, "false");
      }
    };
    const loop = async () => {
      for (;;) if (given.form === "default" || !(await job())) await sleep(PAUSE_MS[given.form]);
    };
    void loop();
    return {
      regularly: {
        everySeconds: REFRESH_SECONDS,
        async run() {
          await service.refresh();
          // The tuned form's own runs are seen while it waits.
          const runs = given.form === "default" ? (REFRESH_SECONDS * 1000) / PAUSE_MS.default : 0;
          for (let run = 0; run < runs; run++) await job();
        },
      },
    };
  },
});
