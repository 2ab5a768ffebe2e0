/** BullMQ on Redis: with its defaults, and with the concurrency of its documentation's example. */
import { Queue, Worker } from "bullmq";
import { type Form, type Given, type NewTask, nowMs, type TaskData } from "../contender.ts";
import { serve } from "../serve.ts";

const QUEUE = "noop";
const CONCURRENCY: Record<Form, number> = { default: 1, tuned: 50 };

const connectionOf = ({ redisUrl }: Given) => ({ url: redisUrl, maxRetriesPerRequest: null });
const optionsOf = ({ at }: NewTask) => (at ? { delay: Math.max(0, at.getTime() - nowMs()) } : {});

serve({
  prepare: async () => {},

  async openCreator(given) {
    const queue = new Queue(QUEUE, { connection: connectionOf(given) });
    await queue.waitUntilReady();
    return {
      createOne: async (task) => void (await queue.add(QUEUE, task.data, optionsOf(task))),
      createMany: async (tasks) =>
        void (await queue.addBulk(
          tasks.map((task) => ({ name: QUEUE, data: task.data, opts: optionsOf(task) })),
        )),
    };
  },

  async startWorker(given, handler) {
    const worker = new Worker(QUEUE, async ({ data }) => handler(data as TaskData), {
      connection: connectionOf(given),
      concurrency: CONCURRENCY[given.form],
    });
    worker.on("error", (error) => console.error(error));
    await worker.waitUntilReady();
    return {};
  },
});
