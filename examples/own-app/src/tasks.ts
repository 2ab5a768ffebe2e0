import { defineTask } from "tickwork";

/** Welcomes a user some time after the sign-up. */
const welcome = defineTask({
  type: "welcome",
  maxAttempts: 5,
  run: async (data, { log }) => {
    log.info("welcome", { data });
    return { welcomed: true };
  },
});

/** The types of task that this app runs. To include those that ship, add the definitions of "tickwork/tasks". */
export const definitions = [welcome];
