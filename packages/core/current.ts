import { ConfigError } from "./errors.ts";
import { createHooks } from "./tasks/hooks.ts";
import type { Tickwork } from "./tickwork.ts";

let running: Tickwork | undefined;

/**
 * The hooks of this process. Extensions register theirs while they are loaded, before any Tickwork runs.
 *
 * @example hooks.registerHook("data_imports", "items.create.after", ({ data }) => console.log(data.id));
 */
export const hooks = createHooks({
  error: (message, fields) => (running?.log ?? console).error(message, fields),
});

/** Makes this the Tickwork of the process; undefined removes it. */
export function install(tickwork: Tickwork | undefined): void {
  running = tickwork;
}

/** The Tickwork of this process, if one runs yet. */
export function installed(): Tickwork | undefined {
  return running;
}

/**
 * The Tickwork of this process, for code that has no other way to it, such as extensions.
 *
 * @throws ConfigError if none runs yet
 * @example
 * const report = async () => {
 *   await current().tasks.create([{ type: "report" }]);
 * };
 */
export function current(): Tickwork {
  if (!running)
    throw new ConfigError("Tickwork does not run in this process yet; start it before this is called.");
  return running;
}
