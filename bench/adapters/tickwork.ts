/** Tickwork as users have it: `connect` where tasks are created, and a server where they run. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "#connect";
import { createDatabase, current, migrate, silent, systemClock, type TaskDefinition } from "#core";
import { openPg } from "#drivers";
import { startServer } from "#local";
import { DEFAULTS } from "../../packages/core/config.ts";
import type { Form, Handler, NewTask, TaskData } from "../contender.ts";
import { serve } from "../serve.ts";

const TYPE = "noop";

const newTask = ({ data, at }: NewTask) => ({
  type: TYPE,
  task_data: data as Record<string, unknown>,
  ...(at && { scheduled_time: at.toISOString() }),
});

serve({
  async prepare({ databaseUrl }) {
    const postgres = await openPg(databaseUrl);
    await migrate(createDatabase(postgres, systemClock), silent);
    await postgres.close();
  },

  async openCreator({ databaseUrl, redisUrl }) {
    const { tasks } = connect({ databaseUrl, redisUrl, log: silent });
    return {
      createOne: async (task) => void (await tasks.create([newTask(task)])),
      createMany: async (some) => void (await tasks.create(some.map(newTask))),
    };
  },

  async startWorker({ databaseUrl, redisUrl, form }, handler) {
    await startServer({
      env: {
        DATABASE_URL: databaseUrl,
        CACHE_REDIS_URL: redisUrl,
        PORT: "0",
        DATA_DIR: mkdtempSync(join(tmpdir(), "tickwork-bench-")),
      },
      log: silent,
      definitions: [definitionOf(handler, form)],
    });
    return {
      regularly: {
        everySeconds: DEFAULTS.refreshIntervalSeconds,
        run: async () => void (await current().worker.refresh()),
      },
    };
  },
});

function definitionOf(handler: Handler, form: Form): TaskDefinition {
  return { type: TYPE, ...(form === "tuned" && { batch: true }), run: (data) => handler(data as TaskData) };
}
