/** A worker of its own that runs tasks in batches, and writes down each one before it goes on; until it is killed. */
import {
  createDatabase,
  createTickwork,
  defineTask,
  readConfig,
  silent,
  systemClock,
  type TaskContext,
} from "#core";
import { openPg } from "#drivers";
import { openJournal } from "../chaos/handler-journal.ts";

const { DATABASE_URL = "", JOURNAL = "/dev/null", SIZE = "20" } = process.env;
const write = openJournal(JOURNAL);
const definition = defineTask({
  type: "short",
  batch: { size: Number(SIZE) },
  run: async (_, { task, attempt }: TaskContext) => {
    write({ event: "start", task: task.id, attempt });
    await new Promise((resolve) => setTimeout(resolve, 1));
  },
});
const { worker } = createTickwork({
  config: readConfig({ CACHE_ENABLED: "false", TASK_RUNNING_TTL: "2" }, silent),
  log: silent,
  database: createDatabase(await openPg(DATABASE_URL), systemClock),
  doorbell: { earlyMs: 0, ring: async () => {}, ringAt: async () => {}, ringAfter: async () => {} },
  definitions: [definition],
});
for (;;) await worker.tick();
