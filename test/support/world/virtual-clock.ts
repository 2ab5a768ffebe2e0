import type { Clock } from "#core";
import { Process, World } from "./world.ts";

/** A clock whose time passes only when the test says so. */
export interface VirtualClock extends Clock {
  /** Lets so many milliseconds pass; everything that can happen in them has happened afterwards. */
  pass(ms: number): Promise<void>;
}

/** @example const clock = createVirtualClock(); const slept = clock.sleep(5_000); await clock.pass(5_000); await slept; */
export function createVirtualClock(): VirtualClock {
  const world = new World(1);
  const { clock } = new Process(world, "worker", 0);
  return { ...clock, pass: (ms) => world.runUntil(world.nowMs + ms) };
}
