/** graphile-worker: with its defaults, and with what its page on performance was measured with. */
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import type { Form, Given, NewTask, TaskData } from "../contender.ts";
import { serve } from "../serve.ts";

const TASK = "noop";
const logger = new Logger(() => () => {});

/** https://worker.graphile.org/docs/performance */
const PRESETS: Record<Form, object> = {
  default: {},
  tuned: {
    worker: {
      concurrentJobs: 24,
      maxPoolSize: 25,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
};

const optionsOf = ({ databaseUrl, form }: Given) => ({
  connectionString: databaseUrl,
  logger,
  preset: PRESETS[form],
});
const specOf = ({ data, at }: NewTask) => ({ identifier: TASK, payload: data, ...(at && { runAt: at }) });

serve({
  async prepare(given) {
    const utils = await makeWorkerUtils(optionsOf(given));
    await utils.migrate();
    await utils.release();
  },

  async openCreator(given) {
    const utils = await makeWorkerUtils(optionsOf(given));
    return {
      createOne: async ({ data, at }) => void (await utils.addJob(TASK, data, { ...(at && { runAt: at }) })),
      createMany: async (tasks) => void (await utils.addJobs(tasks.map(specOf))),
    };
  },

  // It keeps no results.
  async startWorker(given, handler) {
    const taskList = { [TASK]: async (payload: unknown) => void (await handler(payload as TaskData)) };
    await run({ ...optionsOf(given), noHandleSignals: true, taskList });
    return {};
  },
});
