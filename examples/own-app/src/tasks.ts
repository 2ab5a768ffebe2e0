import { defineTask } from "tickwork";

/** Says hello, a while after somebody has signed up. */
const welcome = defineTask({
  type: "welcome",
  maxAttempts: 5,
  run: async (data, { log }) => {
    log.info("welcome", { data });
    return { welcomed: true };
  },
});

/** What this app can run. To have the tasks that ship too, add those of "tickwork/tasks". */
export const definitions = [welcome];
