/** The tasks of this app. `npm run tasks` runs them. */
import { defineTask } from "tickwork";
import * as v from "valibot";

/** Welcomes a user after the sign-up. */
export const welcome = defineTask({
  type: "welcome",
  data: v.object({ email: v.pipe(v.string(), v.email()) }),
  maxAttempts: 5,
  async run({ email }, { log }) {
    log.info("welcome", { email });
    return { welcomed: email };
  },
});
