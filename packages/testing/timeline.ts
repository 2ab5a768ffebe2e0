/** Time that stands still until it is moved, and what is to happen in it. Times are epoch milliseconds. */
export interface Timeline {
  readonly nowMs: number;
  /** When something happens next; undefined when nothing will. */
  readonly nextMs: number | undefined;
  /** Has something happen then, or as soon as time is moved if that is past. Returns a function that prevents it. */
  at(atMs: number, act: () => void): () => void;
  after(delayMs: number, act: () => void): () => void;
  /** Moves to what happens next and has it happen. Of one moment, what was set first happens first. */
  step(): void;
  /** Moves to a later time; what is to happen until then has to have happened. */
  moveTo(ms: number): void;
}

interface Timer {
  atMs: number;
  order: number;
  /** Undefined when it was prevented. */
  act: (() => void) | undefined;
}

export function createTimeline(beginsMs: number): Timeline {
  let nowMs = beginsMs;
  let order = 0;
  const timers: Timer[] = [];
  const next = (): Timer | undefined => {
    while (timers[0] && !timers[0].act) pop(timers);
    return timers[0];
  };
  const timeline: Timeline = {
    get nowMs() {
      return nowMs;
    },
    get nextMs() {
      return next()?.atMs;
    },
    at(atMs, act) {
      const timer: Timer = { atMs: Math.max(atMs, nowMs), order: order++, act };
      push(timers, timer);
      return () => {
        timer.act = undefined;
      };
    },
    after: (delayMs, act) => timeline.at(nowMs + Math.max(0, delayMs), act),
    step() {
      const timer = next();
      if (!timer) return;
      pop(timers);
      nowMs = timer.atMs;
      timer.act?.();
    },
    moveTo(ms) {
      nowMs = Math.max(nowMs, ms);
    },
  };
  return timeline;
}

// ---- a heap of timers, the earliest first; of one moment, in the order in which they were set

const isBefore = (a: Timer, b: Timer) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function push(heap: Timer[], timer: Timer): void {
  let child = heap.push(timer) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    if (!swapIfBefore(heap, child, parent)) return;
    child = parent;
  }
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  heap[0] = last;
  let parent = 0;
  for (;;) {
    const left = 2 * parent + 1;
    const right = left + 1;
    const first = right < heap.length && isBefore(heap[right] as Timer, heap[left] as Timer) ? right : left;
    if (first >= heap.length || !swapIfBefore(heap, first, parent)) return;
    parent = first;
  }
}

function swapIfBefore(heap: Timer[], a: number, b: number): boolean {
  const [first, second] = [heap[a] as Timer, heap[b] as Timer];
  if (!isBefore(first, second)) return false;
  heap[a] = second;
  heap[b] = first;
  return true;
}
