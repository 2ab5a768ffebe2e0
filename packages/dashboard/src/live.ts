/** Keeps what is shown up to date, without asking more often than somebody can want to know. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Client } from "#client";
import { session } from "./session.ts";
import { cell } from "./store.ts";

/** The pause between two looks: short while something happens, longer while nothing does. */
const SHORTEST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
/** After so long without a touch nobody is looking, and Postgres may go to sleep. */
const IDLE_MS = 10 * 60_000;

/** Whether looking has stopped because nobody has touched the page for a while. */
export const isResting = cell(false);

let touchedMs = Date.now();
const wakeUps = new Set<() => void>();
const wakeUp = () => {
  for (const look of wakeUps) look();
};
for (const event of ["pointermove", "pointerdown", "keydown", "scroll", "focus"])
  addEventListener(
    event,
    () => {
      touchedMs = Date.now();
      if (!isResting.get()) return;
      isResting.set(false);
      wakeUp();
    },
    { passive: true },
  );
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wakeUp();
});

export interface Live<Data> {
  data: Data | undefined;
  error: unknown;
  /** What is shown belongs to an earlier question. */
  isOld: boolean;
  /** Looks at once. */
  reload(): void;
}

/**
 * What `load` answers, asked again and again while the tab is seen. While another question is answered, the last answer
 * stays.
 *
 * @param question what the answer depends on
 */
export function useLive<Data>(
  question: string,
  load: (client: Client, signal: AbortSignal) => Promise<Data>,
): Live<Data> {
  const [state, setState] = useState<{ question?: string; data?: Data; error?: unknown }>({});
  const loader = useRef(load);
  loader.current = load;
  const looker = useRef(() => {});
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pauseMs = SHORTEST_PAUSE_MS;
    let last = "";
    let isLooking = false;
    const look = async () => {
      clearTimeout(timer);
      const client = session.get();
      if (document.hidden || isLooking || !client) return;
      if (Date.now() - touchedMs > IDLE_MS) return isResting.set(true);
      isLooking = true;
      try {
        const data = await loader.current(client, ended.signal);
        if (ended.signal.aborted) return;
        const text = JSON.stringify(data);
        pauseMs = text === last ? Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5) : SHORTEST_PAUSE_MS;
        last = text;
        setState({ question, data });
      } catch (error) {
        if (ended.signal.aborted) return;
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
        setState((before) => ({ ...before, question, error }));
      } finally {
        isLooking = false;
      }
      timer = setTimeout(look, pauseMs);
    };
    const now = () => void look();
    looker.current = now;
    wakeUps.add(now);
    now();
    return () => {
      wakeUps.delete(now);
      clearTimeout(timer);
      ended.abort();
    };
  }, [question]);
  return {
    data: state.data,
    error: state.question === question ? state.error : undefined,
    isOld: state.question !== question,
    reload: () => looker.current(),
  };
}
