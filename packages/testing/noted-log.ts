import type { Logger } from "#core";

/** A line of the log, with its fields. */
export interface NotedLine {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  [field: string]: unknown;
}

/** A log that a test can read. */
export function noteLog(): { log: Logger; lines: NotedLine[] } {
  const lines: NotedLine[] = [];
  const logWith = (common: Record<string, unknown>): Logger => {
    const at =
      (level: NotedLine["level"]) =>
      (message: string, fields: Record<string, unknown> = {}) =>
        void lines.push({ level, message, ...common, ...fields });
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      with: (fields) => logWith({ ...common, ...fields }),
    };
  };
  return { log: logWith({}), lines };
}
