import { ConfigError } from "./errors.ts";
import { createHooks } from "./tasks/hooks.ts";
import type { Tickwork } from "./tickwork.ts";

let running: Tickwork | undefined;

/** The hooks of this process: extensions register theirs while they are loaded, before anything runs. */
export const hooks = createHooks({
  error: (message, fields) => (running?.log ?? console).error(message, fields),
});

/** Makes this the Tickwork of the process; undefined takes it away again. */
export function install(tickwork: Tickwork | undefined): void {
  running = tickwork;
}

/** The Tickwork of this process, if there is one yet. */
export function installed(): Tickwork | undefined {
  return running;
}

/**
 * The Tickwork of this process, for code that runs inside of it.
 *
 * @throws ConfigError when there is none yet
 */
export function current(): Tickwork {
  if (!running)
    throw new ConfigError("Tickwork does not run in this process yet; call runtime(definitions) first.");
  return running;
}
