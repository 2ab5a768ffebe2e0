import { current, type Tickwork } from "#core";

let chosen: Tickwork | undefined;

/**
 * Makes this room work on another Tickwork than the process's own: for tests, and for several in one process.
 *
 * @param tickwork undefined: the process's own again
 * @example useTickwork(bed.make({ definitions }));
 */
export function useTickwork(tickwork: Tickwork | undefined): void {
  chosen = tickwork;
}

/**
 * The Tickwork to work on. Looked up with every call and never kept: extensions are loaded before anything runs.
 *
 * @throws ConfigError if none runs in this process yet
 */
export function inUse(): Tickwork {
  return chosen ?? current();
}
