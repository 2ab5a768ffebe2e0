/** What users type as arguments and options. */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { TASK_STATUSES, type TaskStatus, type UniqueFor } from "#core";
import { millisecondsOf } from "../core/duration.ts";
import { messageOf, mustBe } from "../core/errors.ts";
import { UNIQUE_FOR } from "../core/tasks/task.ts";
import { parseTime, TIME_FORMAT } from "../core/tasks/time.ts";
import { UsageError } from "./failure.ts";

/** Reads a whole number in these bounds, for an option or an argument. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    const accepted = `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`;
    throw new InvalidArgumentError(`It ${mustBe(accepted, text)}.`);
  };
}

export const taskId = wholeNumber(1);

export function time(text: string): string {
  const parsed = parseTime(text);
  if (parsed === undefined) throw new InvalidArgumentError(`It ${mustBe(TIME_FORMAT, text)}.`);
  return parsed;
}

const UNITS: Readonly<Record<string, string>> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

/** `30s`, `10m`, `1.5h`, `2d`, `1w`, or in words: `3 days`. @returns milliseconds */
export function duration(text: string): number {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?) ?([smhdw])$/.exec(text) ?? [];
  try {
    return millisecondsOf((count === undefined ? text : `${count} ${UNITS[unit]}`) as `${number} days`);
  } catch {
    throw new InvalidArgumentError(`It ${mustBe("a time such as 30s, 10m, 2h or 3d", text)}.`);
  }
}

/** `waiting`, `unfinished`, or a time as `duration` reads it. */
export function uniqueFor(text: string): UniqueFor {
  const name = UNIQUE_FOR.find((one) => one === text);
  if (name) return name;
  try {
    return duration(text) / 1000;
  } catch {
    throw new InvalidArgumentError(`It ${mustBe(`${UNIQUE_FOR.join(", ")}, or a time such as 10m`, text)}.`);
  }
}

/** The statuses as one types them, without blanks. */
export const STATUS_NAMES = TASK_STATUSES.map((status) => status.toLowerCase().replace(" ", "-"));

export function statusNamed(name: string): TaskStatus | undefined {
  return TASK_STATUSES[STATUS_NAMES.indexOf(name)];
}

/**
 * The data of a task: JSON, or `-` for what comes on the standard input.
 *
 * @throws UsageError when it is no JSON
 */
export function taskData(given: string | undefined): unknown {
  if (given === undefined) return undefined;
  const text = given === "-" ? readFileSync(0, "utf8") : given;
  try {
    return JSON.parse(text);
  } catch (error) {
    const where = given === "-" ? "The standard input" : "The data";
    throw new UsageError(
      `${where} must be JSON, such as '{"name":"Ada"}', got ${text.trim() ? text.trim().slice(0, 60) : "nothing"} (${messageOf(error)}).`,
    );
  }
}
