import { type Clock, systemClock } from "#core";

/** Tells the time as it is, but waits only a part of what it is asked to: pauses and graces are over in no time. */
export function hurriedClock(times: number): Clock {
  return {
    now: () => systemClock.now(),
    sleep: (ms, signal) => systemClock.sleep(ms / times, signal),
    after: (ms, act) => systemClock.after(ms / times, act),
  };
}
