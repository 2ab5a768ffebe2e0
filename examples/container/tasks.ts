import { defineTask } from "tickwork";
import * as v from "valibot";

export const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string() }),
  run: async ({ name }, { log }) => {
    log.info("greeting", { name });
    return { hello: name };
  },
});
