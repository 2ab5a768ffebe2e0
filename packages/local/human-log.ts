import { createLogger, type Environment, type Logger } from "#core";

/** Whether `DEBUGGING` is on. The log must be there before the configuration is read, which may fail. */
export const isDebugging = (env: Environment): boolean => /^(1|true)$/i.test(env.DEBUGGING ?? "");

/** A log for people: one line an event, with its time first and its fields last. */
export function createHumanLog({
  debugging,
  write = (line) => process.stderr.write(`${line}\n`),
}: {
  debugging: boolean;
  write?: (line: string) => void;
}): Logger {
  return createLogger({
    level: debugging ? "debug" : "info",
    write: (line) => {
      const { timestamp, level, message, requestId, ...fields } = JSON.parse(line) as Record<string, unknown>;
      if (debugging && requestId) fields.requestId = requestId;
      const rest = Object.entries(fields).map(
        ([name, value]) =>
          `${name}=${typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value)}`,
      );
      write([String(timestamp).slice(11, 23), String(level).padEnd(5), message, ...rest].join(" "));
    },
  });
}
