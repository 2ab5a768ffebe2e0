import type { LimitTarget, PauseTarget } from "#core";

/**
 * What was paused or limited, as the audit log has it.
 *
 * @example subjectOf({ type: "greet" }); // "type greet"
 */
export const subjectOf = (target: PauseTarget | LimitTarget): string =>
  Object.entries(target)
    .map(([kind, name]) => (name === true ? kind : `${kind} ${name}`))
    .join();
