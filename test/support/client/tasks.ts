/** Tasks as users define them, for clients that are typed by them. */
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { defineTask, PermanentError } from "#core";

export const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string(), loud: v.optional(v.boolean()) }),
  run: async ({ name, loud }) => ({ hello: loud ? name.toUpperCase() : name, at: new Date(0) }),
});

export const fail = defineTask({
  type: "fail",
  data: v.object({ code: v.string() }),
  run: async ({ code }) => {
    throw new PermanentError("it was meant to fail", { code });
  },
});

/** Takes its time, and says how far it is; gives up when it is asked to. */
export const slow = defineTask({
  type: "slow",
  data: v.optional(v.object({ ms: v.number() }), { ms: 60_000 }),
  run: async ({ ms }, { progress, signal }) => {
    await progress(0.25);
    await sleep(ms, undefined, { signal });
  },
});

/** Not a definition, as a module may export such things too. */
export const LOUD = true;
