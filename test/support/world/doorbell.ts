/**
 * Lambda and EventBridge Scheduler as the world has them: an asynchronous queue that tries a failed invocation twice
 * more, containers that take one invocation at a time, and schedules that are precise to a minute.
 */
import type { Doorbell, TickEvent } from "#core";
import { isLook } from "../../../packages/core/doorbell/doorbell.ts";
import { LOOK_STEP_MS } from "../../../packages/core/limits.ts";
import type { Process, World } from "./world.ts";

const MINUTE_MS = 60_000;
export const EARLY_MS = 2 * MINUTE_MS;
const QUEUE_MS = [5, 150] as const;
/** Lambda's own: after about one minute, and two. */
const RETRY_MS = [60_000, 120_000];

export interface DoorbellFaults {
  lost: number;
  doubled: number;
}

/** Runs an invocation: resolves when it succeeded, rejects when it failed or its process died. */
export type Invoke = (name: "tick" | "refresh", event: TickEvent) => Promise<void>;

export class Lambda {
  faults: DoorbellFaults = { lost: 0, doubled: 0 };
  /** A ring was lost since the last look. */
  disturbed = false;
  /** When each invocation so far began. */
  readonly invokedAtMs: number[] = [];
  readonly #world: World;
  readonly #invoke: Invoke;
  readonly #schedules = new Set<string>();

  constructor(world: World, invoke: Invoke) {
    this.#world = world;
    this.#invoke = invoke;
  }

  /** An asynchronous invocation, as the queue takes care of it. */
  enqueue(name: "tick" | "refresh", event: TickEvent = {}, tries = 0): void {
    this.#world.after(this.#world.between(...QUEUE_MS), () => {
      this.invokedAtMs.push(this.#world.nowMs);
      this.#invoke(name, event).catch(() => {
        const delayMs = RETRY_MS[tries];
        if (delayMs !== undefined) this.#world.after(delayMs, () => this.enqueue(name, event, tries + 1));
      });
    });
  }

  #schedule(name: string, atMs: number, event: TickEvent): void {
    if (this.#schedules.has(name)) return;
    this.#schedules.add(name);
    this.#world.at(atMs + this.#world.between(0, MINUTE_MS - 1_000), () => {
      this.#schedules.delete(name);
      this.enqueue("tick", event);
    });
  }

  /** The doorbell as a process of this deployment has it. */
  doorbellOf(process: Process): Doorbell {
    const world = this.#world;
    const ringing = async (what: string, ring: () => void) => {
      await new Promise<void>(
        (resolve) => void world.after(world.between(1, 30), () => process.resume(resolve)),
      );
      if (world.chance(this.faults.lost)) {
        this.disturbed = true;
        world.tell(`${process.name}: ${what} is lost`);
        return;
      }
      world.tell(`${process.name}: ${what}`);
      ring();
      if (world.chance(this.faults.doubled)) ring();
    };
    // EventBridge and the functions go by the clock of AWS.
    const byOurs = (atMs: number) => Math.max(world.nowMs, world.nowMs + atMs - process.clock.now());
    const ring = (event: TickEvent = {}) => ringing("ring", () => this.enqueue("tick", event));
    return {
      earlyMs: EARLY_MS,
      ring,
      ringAt: ({ atMs, inMs }) => {
        if (inMs <= EARLY_MS) return ring();
        const minute = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
        return ringing(`ring at ${minute}`, () =>
          this.#schedule(`wake-${minute}`, byOurs(minute - MINUTE_MS), {}),
        );
      },
      ringAfter: (delayMs, event = {}) => {
        const stepMs = isLook(event) ? LOOK_STEP_MS : 1_000;
        const at = Math.ceil((process.clock.now() + delayMs - (isLook(event) ? 1_000 : 0)) / stepMs) * stepMs;
        const said = [event.by, event.failures && "failed", event.askPostgres && "ask"].filter(Boolean);
        return ringing(`ring after ${Math.round(delayMs)} ms`, () =>
          this.#schedule(["look", at, ...said].join("-"), byOurs(at), event),
        );
      },
    };
  }
}
