/** A registry of an app: handlers that do what those that ship never would. */
import { defineTask } from "#core";

/** Goes on although its signal tells it to stop; better the second time. */
const deaf = defineTask({
  type: "deaf",
  timeoutSeconds: 0.5,
  run: (_, { attempt }) => (attempt > 1 ? Promise.resolve({ attempt }) : new Promise(() => {})),
});

/** Takes its process with it, as a handler does that needs more memory than there is. */
const deadly = defineTask({
  type: "deadly",
  run: async () => process.kill(process.pid, "SIGKILL"),
});

const harmless = defineTask({ type: "harmless", run: async () => ({}) });

export const definitions = [deaf, deadly, harmless];
