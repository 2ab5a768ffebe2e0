/** Asks when tasks are to be due. */
import type { RefObject } from "preact";
import { localInput } from "./format.ts";

/** @param from what it says first */
export function DueField({ input, from }: { input: RefObject<HTMLInputElement | null>; from: Date }) {
  return (
    <label class="field">
      Due, in the time of this browser
      <input ref={input} type="datetime-local" step="1" required defaultValue={localInput(from)} />
    </label>
  );
}
