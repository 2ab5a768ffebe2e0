import { isSecretName, REDACTED, redactText } from "./redact.ts";

/** Where Tickwork writes what it does. Fields are JSON, without nesting. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A logger that adds `fields` to everything it writes. */
  with(fields: Record<string, unknown>): Logger;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;

/**
 * A logger that writes one JSON object a line.
 *
 * @example const log = createLogger({ level: "info", write: (line) => process.stdout.write(`${line}\n`) });
 */
export function createLogger(options: {
  level: (typeof LEVELS)[number];
  write: (line: string) => void;
  fields?: Record<string, unknown>;
}): Logger {
  const threshold = LEVELS.indexOf(options.level);
  const at =
    (level: (typeof LEVELS)[number]) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (LEVELS.indexOf(level) < threshold) return;
      const timestamp = new Date().toISOString();
      options.write(JSON.stringify({ timestamp, level, message, ...options.fields, ...fields }, describe));
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => createLogger({ ...options, fields: { ...options.fields, ...fields } }),
  };
}

/** JSON omits the properties of errors, because they are not enumerable. Secrets do not get into logs. */
function describe(name: string, value: unknown): unknown {
  if (typeof value === "string") return isSecretName(name) ? REDACTED : redactText(value);
  if (!(value instanceof Error)) return typeof value === "bigint" ? Number(value) : value;
  return {
    name: value.name,
    message: value.message,
    stack: value.stack,
    ...(value.cause ? { cause: value.cause } : {}),
  };
}

/** A logger that writes nothing. */
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent };
