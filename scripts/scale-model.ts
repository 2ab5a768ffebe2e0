/**
 * A million tasks and the slots that run them, one event after the other: which function is called when, what waits for
 * a core of Postgres, which tick sleeps. It knows what the protocol does (docs/protocol.md) and the limits of
 * `scale-numbers.ts`, and nothing of what tasks are.
 */
import { LIMITS, TIMES } from "./scale-numbers.ts";

export interface Load {
  /** When each task is due, in milliseconds, in this order. */
  dueMs: Float64Array;
  /** When posts ring the doorbell, in this order. */
  ringsMs: readonly number[];
}

export interface Machine {
  handlerMs: number;
  slots: number;
  /** Of Postgres. */
  cores: number;
  batch: boolean;
}

export interface Run {
  /** How long after their due times tasks began, sorted. */
  latenessMs: Float64Array;
  /** When the last one ended. */
  endMs: number;
  invocations: number;
  /** Of all ticks together, in milliseconds. */
  tickMs: number;
  peakSlots: number;
  /** Of all cores together. */
  coreMs: number;
}

/** How often a tick that works looks whether another slot is free: a third of the flag's 60 seconds. */
const LOOK_MS = 20_000;

interface Tick {
  beganMs: number;
  lookedMs: number;
}

/** A post rings, a tick comes or wakes up, or one is ready for its next task. */
type Event = { atMs: number; kind: "post" | "comes" | "wakes" } | { atMs: number; kind: "ready"; tick: Tick };

export function run({ dueMs, ringsMs }: Load, { handlerMs, slots, cores, batch }: Machine): Run {
  const events = createHeap();
  const freeMs = new Float64Array(cores);
  const latenessMs = new Float64Array(dueMs.length);
  const limit = Math.min(slots, LIMITS.lambdaExecutions);
  const perStatement = batch ? TIMES.batch : 1;
  const coreMs = batch ? TIMES.batchedCoreMs : TIMES.settleCoreMs;
  /** Times in milliseconds. */
  const totals = { endMs: 0, invocations: 0, tickMs: 0, peakSlots: 0, coreMs: 0 };
  let next = 0;
  let active = 0;
  let coming = 0;
  /** Environments that Lambda has made: those that nobody uses are warm. */
  let environments = 1;
  let isSomebodyAsleep = false;

  const isDue = (atMs: number) => next < dueMs.length && (dueMs[next] ?? 0) <= atMs;
  const ring = (atMs: number) => {
    const isCold = active + coming >= environments;
    if (isCold) environments++;
    coming++;
    totals.invocations++;
    events.push({ atMs: atMs + TIMES.invokeMs + (isCold ? TIMES.coldStartMs : 0), kind: "comes" });
  };
  /** When a statement that comes at this time has been carried out. */
  const carriedOut = (atMs: number, ms: number) => {
    let core = 0;
    for (let n = 1; n < cores; n++) if ((freeMs[n] ?? 0) < (freeMs[core] ?? 0)) core = n;
    const endMs = Math.max(atMs, freeMs[core] ?? 0) + ms;
    freeMs[core] = endMs;
    totals.coreMs += ms;
    return endMs;
  };
  const end = (tick: Tick, atMs: number) => {
    active--;
    totals.tickMs += atMs - tick.beganMs;
  };
  /** Claims what is due, runs it, and comes again. */
  const work = (atMs: number, tick: Tick) => {
    const claimedMs = carriedOut(atMs + TIMES.neonMs / 2, coreMs);
    let readyMs = claimedMs + TIMES.neonMs / 2;
    let claimed = 0;
    for (; claimed < perStatement && isDue(claimedMs); claimed++, next++) {
      latenessMs[next] = readyMs - (dueMs[next] ?? 0);
      readyMs += handlerMs;
    }
    // What the statement does for each further task.
    if (claimed > 1) readyMs = Math.max(readyMs, carriedOut(claimedMs, coreMs * (claimed - 1)));
    if (claimed > 0) {
      totals.endMs = Math.max(totals.endMs, readyMs);
      const looks = atMs - tick.lookedMs >= LOOK_MS;
      if (looks && isDue(claimedMs) && active + coming < limit) ring(claimedMs);
      if (looks) tick.lookedMs = atMs;
      events.push({ atMs: readyMs, kind: "ready", tick });
      return;
    }
    // One tick sleeps until the next due time; all others end.
    const wakeMs = dueMs[next];
    if (isSomebodyAsleep || wakeMs === undefined) return end(tick, readyMs);
    isSomebodyAsleep = true;
    end(tick, Math.max(readyMs, wakeMs));
    events.push({ atMs: Math.max(readyMs, wakeMs), kind: "wakes" });
  };

  for (const atMs of ringsMs) events.push({ atMs, kind: "post" });
  for (let event = events.pop(); event; event = events.pop()) {
    const { atMs } = event;
    if (event.kind === "post") {
      ring(atMs);
      continue;
    }
    if (event.kind === "ready") {
      if (atMs - event.tick.beganMs <= TIMES.tickMs) work(atMs, event.tick);
      else {
        end(event.tick, atMs);
        ring(atMs);
      }
      continue;
    }
    if (event.kind === "comes") coming--;
    else isSomebodyAsleep = false;
    if (active >= limit || !isDue(atMs)) continue;
    active++;
    totals.peakSlots = Math.max(totals.peakSlots, active);
    work(atMs, { beganMs: atMs, lookedMs: atMs - LOOK_MS });
  }
  if (next < dueMs.length) throw new Error(`${dueMs.length - next} tasks have not run`);
  return { latenessMs: latenessMs.sort(), ...totals };
}

/** The earliest first. */
function createHeap() {
  const heap: Event[] = [];
  const at = (n: number) => heap[n]?.atMs ?? Number.POSITIVE_INFINITY;
  const swap = (a: number, b: number) => {
    const [x, y] = [heap[a], heap[b]];
    if (x && y) [heap[a], heap[b]] = [y, x];
  };
  return {
    push(event: Event) {
      heap.push(event);
      for (let n = heap.length - 1, up = (n - 1) >> 1; n > 0 && at(n) < at(up); n = up, up = (n - 1) >> 1)
        swap(n, up);
    },
    pop(): Event | undefined {
      swap(0, heap.length - 1);
      const first = heap.pop();
      for (let n = 0; ; ) {
        const least = at(2 * n + 1) <= at(2 * n + 2) ? 2 * n + 1 : 2 * n + 2;
        if (at(least) >= at(n)) return first;
        swap(n, least);
        n = least;
      }
    },
  };
}
