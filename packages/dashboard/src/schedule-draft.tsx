/** When a schedule that is being written would come, and what its type takes; asked while one writes. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Schedule } from "#client";
import type { Schema } from "./data-fields.tsx";
import { type Refusal, refusalOf } from "./field.tsx";
import { fullTime, UNITS, type Unit, unitOf } from "./format.ts";
import { session } from "./session.ts";

/** After the last key, so that not each of them asks. */
const PREVIEW_MS = 300;

export interface Times {
  how: "cron" | "every";
  cron: string;
  zone: string;
  every: string;
  unit: Unit;
}

export const timesOf = ({ how, cron, zone, every, unit }: Times) =>
  how === "cron"
    ? { cron: cron.trim(), time_zone: zone.trim() || "UTC" }
    : { every_seconds: Number(every) * UNITS[unit] };

const hereZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export function firstTimes(schedule: Schedule | undefined): Times {
  const { every, unit } = unitOf(schedule?.every_seconds ?? 3_600);
  return {
    how: schedule && schedule.cron === null ? "every" : "cron",
    cron: schedule?.cron ?? "",
    zone: schedule?.cron ? schedule.time_zone : hereZone(),
    every: String(every),
    unit,
  };
}

/** What the API answers for these times; nothing while nothing was given. */
export function usePreview(times: Times) {
  const [preview, setPreview] = useState<{ next?: string[]; refusal?: Refusal }>({});
  const began = useRef(true);
  useEffect(() => {
    const isFirst = began.current;
    began.current = false;
    if (times.how === "cron" ? !times.cron.trim() : !times.every) return setPreview({});
    const ended = new AbortController();
    const timer = setTimeout(
      async () => {
        try {
          const next = await session.get()?.schedules.times(timesOf(times), { signal: ended.signal });
          setPreview({ ...(next && { next }) });
        } catch (error) {
          if (!ended.signal.aborted) setPreview({ refusal: refusalOf(error) });
        }
      },
      isFirst ? 0 : PREVIEW_MS,
    );
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [JSON.stringify(times)]);
  return preview;
}

/** The schema of a type; undefined until it is known. */
export function useSchema(type: string): Schema | null | undefined {
  const [found, setFound] = useState<{ type: string; schema: Schema | null }>();
  useEffect(() => {
    if (!type) return;
    const ended = new AbortController();
    const timer = setTimeout(
      () =>
        session
          .get()
          ?.type(type, { signal: ended.signal })
          .then(
            ({ schema }) => setFound({ type, schema }),
            () => !ended.signal.aborted && setFound({ type, schema: null }),
          ),
      PREVIEW_MS,
    );
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [type]);
  return found?.type === type ? found.schema : undefined;
}

export function NextTimes({ next, refusal }: { next?: string[]; refusal?: Refusal }) {
  return (
    <div role="status" class="preview">
      <p>
        Next times <span class="muted">in the time of this browser</span>
      </p>
      {next === undefined ? (
        <p class="muted">
          {refusal ? "There are none for what is given." : "They appear here as soon as you have said when."}
        </p>
      ) : next.length === 0 ? (
        <p class="muted">It will never come.</p>
      ) : (
        <ol class="times">
          {next.map((time) => (
            <li key={time}>{fullTime(time)}</li>
          ))}
        </ol>
      )}
    </div>
  );
}
