import { messageOf } from "../../core/errors.ts";

/** `problem` has to be mended, `note` is worth knowing. */
export type Level = "ok" | "note" | "problem";

/** What the doctor has found out. */
export interface Finding {
  /** What was looked at, in a word or two. */
  check: string;
  level: Level;
  message: string;
  /** What to do about it. */
  mend?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, level: "ok", message });
export const note = (check: string, message: string, mend?: string): Finding => ({
  check,
  level: "note",
  message,
  ...(mend === undefined ? {} : { mend }),
});
export const problem = (check: string, message: string, mend: string): Finding => ({
  check,
  level: "problem",
  message,
  mend,
});

/** What an error says, whose message ends with what to do about it. */
export function failed(check: string, error: unknown): Finding {
  const message = messageOf(error).replace(/\.$/, "");
  const at = message.lastIndexOf("; ");
  if (at < 0) return problem(check, message, "mend that, and run `tickwork doctor` again");
  return problem(check, message.slice(0, at), message.slice(at + 2));
}
