/**
 * A world of its own: time that passes only when nothing else can happen, chance from a seed, and processes that can
 * be killed and stopped at any moment. The real core lives in it and does not notice.
 */
import type { Clock } from "#core";
import { type Random, seeded } from "../../../packages/testing/seeded.ts";
import { createTimeline, type Timeline } from "../../../packages/testing/timeline.ts";

/** When the world begins: far from any edge of a day. */
export const BEGINNING_MS = Date.UTC(2027, 0, 11, 12, 0, 0);

/** What a story may hold of before it is cut: the end is what matters. */
const STORY_LIMIT = 400;

export class World {
  readonly random: Random;
  readonly story: string[] = [];
  /** What went wrong, in the order in which it was seen. */
  readonly violations: string[] = [];
  /** Work of the real machine that is under way: the embedded Postgres answers in its own time. */
  #busy = 0;
  readonly #timeline: Timeline = createTimeline(BEGINNING_MS);

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  get nowMs(): number {
    return this.#timeline.nowMs;
  }

  tell(line: string): void {
    this.story.push(`${((this.nowMs - BEGINNING_MS) / 1000).toFixed(3).padStart(10)}  ${line}`);
    if (this.story.length > STORY_LIMIT) this.story.splice(0, STORY_LIMIT / 4);
  }

  violate(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what);
    this.tell(`VIOLATION: ${what}`);
  }

  /** Has something happen later; returns a function that prevents it. */
  at(atMs: number, act: () => void): () => void {
    return this.#timeline.at(atMs, act);
  }

  after(delayMs: number, act: () => void): () => void {
    return this.#timeline.after(delayMs, act);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  /** Runs what the real machine does; the world's time stands still meanwhile. */
  async real<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
    }
  }

  /**
   * Watches what nobody awaits: it must not fail. What a dead process has sent may, for it is never answered, and the
   * time limit of a request is one of real time.
   */
  watch(work: Promise<unknown>, process?: Process): void {
    work.catch((error: unknown) => {
      if (process === undefined || process.alive) this.violate(`what nobody awaits failed: ${error}`);
    });
  }

  /** Lets time pass, event by event, until then or until something is violated. */
  async runUntil(untilMs: number, done: () => boolean = () => false): Promise<void> {
    await this.#quiet();
    while (this.violations.length === 0 && !done()) {
      if ((this.#timeline.nextMs ?? Number.POSITIVE_INFINITY) > untilMs) break;
      this.#timeline.step();
      await this.#quiet();
    }
    if (!done() && this.violations.length === 0) this.#timeline.moveTo(untilMs);
  }

  /** Everything that can go on without time passing has gone on. */
  async #quiet(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#busy > 0);
  }
}

/** A process: it may die, or stand still for a while; its clock may be wrong. */
export class Process {
  readonly name: string;
  alive = true;
  /** Since when it has to stop. */
  drainsSinceMs = Number.POSITIVE_INFINITY;
  /** Requests that it has sent, by server. */
  readonly sent = { postgres: 0, redis: 0 };
  /** Until when it stands still. */
  #stoppedUntilMs = 0;
  readonly #world: World;
  readonly #mourners = new Set<() => void>();
  readonly clock: Clock;

  constructor(world: World, name: string, skewMs: number) {
    this.#world = world;
    this.name = name;
    this.clock = {
      now: () => world.nowMs + skewMs,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          const wake = () => {
            cancel();
            signal?.removeEventListener("abort", wake);
            this.resume(resolve);
          };
          const cancel = world.after(Math.max(0, ms), wake);
          signal?.addEventListener("abort", wake, { once: true });
        }),
      after: (ms, act) => {
        let wanted = true;
        const cancel = world.after(Math.max(0, ms), () => this.resume(() => wanted && act()));
        return () => {
          wanted = false;
          cancel();
        };
      },
    };
  }

  /** Goes on with something in this process: never when it is dead, later when it stands still. */
  resume(act: () => void): void {
    if (!this.alive) return;
    if (this.#stoppedUntilMs > this.#world.nowMs)
      void this.#world.at(this.#stoppedUntilMs, () => this.resume(act));
    else act();
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#world.tell(`${this.name} dies`);
    for (const mourn of this.#mourners) mourn();
  }

  /** Told when it dies; returns a function that ends the interest. */
  onDeath(mourn: () => void): () => void {
    this.#mourners.add(mourn);
    return () => void this.#mourners.delete(mourn);
  }

  stop(ms: number): void {
    if (!this.alive) return;
    this.#stoppedUntilMs = this.#world.nowMs + ms;
    this.#world.tell(`${this.name} stands still for ${Math.round(ms)} ms`);
  }
}
