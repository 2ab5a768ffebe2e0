import { current, type Tickwork } from "#core";

let chosen: Tickwork | undefined;

/**
 * Has this room work on that Tickwork instead of the process's own. For tests, and for more than one in a process.
 *
 * @param tickwork undefined: the process's own again, the one that `runtime` built
 * @example useTickwork(bed.make({ definitions }));
 */
export function useTickwork(tickwork: Tickwork | undefined): void {
  chosen = tickwork;
}

/**
 * The Tickwork to work on. Asked for with every call and never kept: extensions are loaded before anything runs.
 *
 * @throws ConfigError when none runs in this process yet
 */
export function inUse(): Tickwork {
  return chosen ?? current();
}
