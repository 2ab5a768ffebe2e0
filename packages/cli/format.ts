/** Everything that people read. */
import { styleText } from "node:util";
import type { ApiKey, MadeApiKey, Schedule, Task } from "#client";
import type {
  BulkAction,
  BulkCount,
  CacheStats,
  Health,
  LimitHold,
  Pause,
  PauseTarget,
  UniqueOutcome,
} from "#core";
import type { PlannedMigration } from "../core/store/schema/plan-migrations.ts";
import { lineOf } from "../local/demo-lines.ts";
import type { Server } from "../local/server.ts";
import type { Finding, Level } from "./doctor/finding.ts";
import type { Step } from "./init/project.ts";

type Style = Parameters<typeof styleText>[0];

/** Colours only a terminal, and honours NO_COLOR and FORCE_COLOR. */
const paint = (style: Style, text: string) => styleText(style, text, { stream: process.stdout });

const STATUS_STYLES: Readonly<Record<string, Style>> = {
  Completed: "green",
  Error: "red",
  Running: "cyan",
};

/** A task in one line: its id, how far it is, its status or when it is due, its type, and why it failed. */
export function taskLine(task: Task): string {
  const line = lineOf(task, task.type, Date.now());
  const style = STATUS_STYLES[task.task_status];
  return style ? line.replace(task.task_status, (status) => paint(style, status)) : line;
}

export const taskLines = (tasks: readonly Task[]): string =>
  tasks.length === 0 ? "No tasks." : tasks.map(taskLine).join("\n");

/** A task with all that people ask about. */
export function taskDetails(task: Task): string {
  const { id, type, task_status, attempts, max_attempts, scheduled_time, started_at, finished_at } = task;
  return rows([
    ["task", String(id)],
    ["type", type],
    ["version", task.version === null || task.version === 1 ? null : String(task.version)],
    ["status", paint(STATUS_STYLES[task_status] ?? "bold", task_status)],
    ["due", scheduled_time],
    ["schedule", task.schedule],
    ["queue", task.queue],
    ["key", task.concurrency_key],
    ["priority", task.priority === null ? null : String(task.priority)],
    ["paused", task.paused ? task.paused.map(pauseLine).join("; ") : null],
    ["limited", task.limited ? task.limited.map(holdLine).join("; ") : null],
    ["waits", task.waiting_for_code ? "for code: no process here runs this type in this version" : null],
    ["started", started_at],
    ["finished", finished_at],
    ["attempts", attempts > 0 ? `${attempts}${max_attempts ? ` of ${max_attempts}` : ""}` : null],
    ["progress", task_status === "Running" && task.progress !== null ? percent(task.progress) : null],
    ["late", task.lateness ? `${task.lateness.ms} ms (${task.lateness.reason})` : null],
    ["unique", uniquenessOf(task)],
    ["data", jsonOf(task.task_data)],
    ["result", jsonOf(task.result_data)],
    ["error", errorOf(task.error_data)],
  ]);
}

/** What a dry run answers. */
export const bulkCount = (action: BulkAction, { count, exact }: BulkCount): string =>
  `${exact ? "" : "More than "}${count} ${count === 1 && exact ? "task" : "tasks"} would be taken by ${action}. Nothing has changed.`;

export const bulkAsked = (action: BulkAction, id: number): string =>
  `Asked to ${action} them: task ${id} does it. Follow it with npx tickwork watch ${id}.`;

const timesOf = ({ cron, every_seconds, time_zone }: Schedule) =>
  cron === null ? `every ${every_seconds} s` : `${cron} (${time_zone})`;

/** Schedules, a line each: its name, when it comes next, its times, what it runs, and how that went last. */
export function scheduleLines(schedules: readonly Schedule[]): string {
  if (schedules.length === 0) return "No schedules.";
  const width = Math.max(...schedules.map(({ name }) => name.length));
  return schedules
    .map((one) => {
      const next = one.paused ? "paused" : (one.next_times[0] ?? "never again");
      return `${one.name.padEnd(width)}  ${next.padEnd(24)}  ${timesOf(one)}  ${one.type}  ${lastOf(one) ?? ""}`.trimEnd();
    })
    .join("\n");
}

/** A schedule with all that people ask about. */
export function scheduleDetails(one: Schedule): string {
  return rows([
    ["schedule", one.name],
    ["declared in", one.source === "code" ? "code" : null],
    ["times", timesOf(one)],
    ["next", one.paused ? "paused" : one.next_times.join(", ") || "never again"],
    ["type", one.type],
    ["data", jsonOf(one.task_data)],
    ["catch up", one.catch_up],
    ["overlap", one.overlap],
    ["last", lastOf(one)],
  ]);
}

function lastOf({ last }: Schedule): string | null {
  if (!last) return null;
  const status = paint(STATUS_STYLES[last.task_status] ?? "bold", last.task_status);
  return `${status} (task ${last.task}, ${last.finished_at ?? last.started_at ?? last.schedule_time})`;
}

/** What was asked of a task, and how it stands now. */
export function taskChange(task: Task, change: UniqueOutcome | "retried" | "cancelled"): string {
  const { id, type, task_status, scheduled_time } = task;
  if (change === "kept")
    return `Task ${id} (${type}) has this unique key and was kept: ${task_status}, due at ${scheduled_time}.`;
  if (change === "cancelled" && task_status === "Running")
    return `Task ${id} (${type}) runs, and was asked to stop.`;
  if (change === "cancelled") return `Task ${id} (${type}) is cancelled.`;
  const isDue = Date.parse(scheduled_time) <= Date.now();
  return `Task ${id} (${type}) is ${change}, and due ${isDue ? "now" : `at ${scheduled_time}`}.`;
}

/** What is paused, as people call it. */
export function pausedName({ type, queue, concurrency_key }: Partial<Pause>): string {
  if (queue !== undefined) return `queue ${queue}`;
  if (concurrency_key !== undefined) return `key ${concurrency_key}`;
  return type === undefined ? "everything" : `type ${type}`;
}

/** @example pauseLine(pause) // "type greet, since 2026-11-24T09:00:00.000Z, by ada: the mail server moves" */
export function pauseLine(pause: Pause): string {
  const by = pause.created_by ? `, by ${pause.created_by}` : "";
  return `${pausedName(pause)}, since ${pause.created_at}${by}${pause.reason ? `: ${pause.reason}` : ""}`;
}

/** @example holdLine(hold) // "queue mail: as many are running as allowed" */
function holdLine({ by, until, ...target }: LimitHold): string {
  return `${pausedName(target)}: ${by === "concurrency" ? "as many are running as allowed" : `its rate, until ${until}`}`;
}

export const pauseLines = (pauses: readonly Pause[]): string =>
  pauses.length === 0 ? "Nothing is paused." : pauses.map(pauseLine).join("\n");

export function resumption(target: PauseTarget, wasPaused: boolean): string {
  return wasPaused ? `Resumed: ${pausedName(target)}` : `Not paused: ${pausedName(target)}`;
}

export function stats(state: CacheStats, { healthy, last }: Health): string {
  return rows([
    [
      "health",
      healthy ? paint("green", "healthy") : paint("red", `not healthy: ${state.error ?? "see the log"}`),
    ],
    ["running", state.isTaskRunning ? "a task runs" : "no task runs"],
    ["waiting", `${state.cachedTasksCount} due within ${state.taskTimeWindow}`],
    [
      "without code",
      state.waitingForCode
        ? `${state.waitingForCode} of types or versions that nobody here runs, since ${state.waitingForCodeSince}`
        : null,
    ],
    ["paused", state.paused ? state.paused.map(pausedName).join(", ") : null],
    ["refreshed", `${state.lastRefreshed ?? "not yet"}, every ${state.refreshIntervalSeconds} s`],
    ["read Postgres", state.lastRead === undefined ? null : (state.lastRead ?? "not yet")],
    ["last write", last.write],
  ]);
}

/** A key in one line: its id, its name, what it may do, when it ends, and when it was last used. */
function keyLine({ id, name, scopes, expires_at, used_at }: ApiKey, nowMs: number): string {
  const ended = expires_at !== null && Date.parse(expires_at) <= nowMs;
  const end =
    expires_at === null ? "does not end" : ended ? paint("red", `ended ${expires_at}`) : `ends ${expires_at}`;
  const used = used_at === null ? "never used" : `last used ${used_at}`;
  return [String(id).padStart(4), name, scopes.join(", "), end, used].join("  ");
}

export const keyLines = (keys: readonly ApiKey[], nowMs: number): string =>
  keys.length === 0
    ? "No key was made; there is that of the environment."
    : keys.map((key) => keyLine(key, nowMs)).join("\n");

export const keyMade = ({ id, name, key, scopes, expires_at }: MadeApiKey): string =>
  [
    key,
    `Key ${id} (${name}) may ${scopes.join(", ")}${expires_at ? ` until ${expires_at}` : ""}. It is shown only now: keep it where secrets are kept.`,
  ].join("\n");

const MARKS: Readonly<Record<Level, [Style, string]>> = {
  ok: ["green", "✓"],
  note: ["yellow", "•"],
  problem: ["red", "✗"],
};

/** The findings of the doctor; each that needs it with how to mend it. */
export function findings(all: readonly Finding[]): string {
  const lines = all.map(({ level, check, message, mend }) => {
    const [style, mark] = MARKS[level];
    return `${paint(style, mark)} ${check}: ${message}${mend ? `\n    ${paint("dim", "→")} ${mend}` : ""}`;
  });
  const wrong = all.filter(({ level }) => level === "problem").length;
  const end =
    wrong === 0 ? "Nothing is wrong." : `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong.`;
  return [...lines, "", end].join("\n");
}

/** What `init` did, and what comes next. */
export function initialised(
  steps: readonly Step[],
  missing: readonly string[],
  run: string,
  install: string,
): string {
  const lines = steps.map(
    ({ file, done, what }) => `${done ? paint("green", "✓") : paint("yellow", "•")} ${file}: ${what}`,
  );
  const commands = [
    ...(missing.length > 0 ? [install] : []),
    run,
    `npx tickwork enqueue greet '{"name":"Ada"}' --wait    # in another terminal`,
  ];
  return [...lines, "", "Next:", "", ...commands.map((command) => `  ${command}`), ""].join("\n");
}

/** Migrations that are not applied yet, with their statements. */
export function migrations(pending: readonly PlannedMigration[]): string {
  if (pending.length === 0) return "The schema is up to date; nothing would be done.";
  const all = pending.map(
    ({ id, name, statements }) =>
      `${paint("bold", `-- ${id}: ${name}`)}\n${statements.map((sql) => (sql.endsWith(";") ? sql : `${sql};`)).join("\n")}\n`,
  );
  return [...all, "-- Nothing was done: this is what would be."].join("\n");
}

/** What a server says when it has started. */
export function greeting(server: Omit<Server, "close">, types: readonly string[], dataDir: string): string {
  const { url, apiKey, embedded } = server;
  return `
Tickwork runs${embedded ? `, with an embedded Postgres (data in ${dataDir})` : ""}.

${rows([
  ["  address", url],
  ["  API key", apiKey],
  ["  tasks", types.join(", ")],
])}

In another terminal:

  npx tickwork enqueue ${types[0] ?? "<type>"} --wait
`;
}

/** Aligned columns, without what is empty. */
function rows(pairs: readonly (readonly [string, string | null | undefined])[]): string {
  const present = pairs.filter(([, value]) => value);
  const width = Math.max(...present.map(([name]) => name.length)) + 2;
  return present.map(([name, value]) => `${name.padEnd(width)}${value}`).join("\n");
}

function uniquenessOf({ unique_key, unique_for }: Task): string | null {
  if (unique_key === null || unique_for === null) return unique_key;
  return `${unique_key}, ${typeof unique_for === "number" ? `for ${unique_for} s` : `while ${unique_for}`}`;
}

const percent = (fraction: number) => `${Math.round(fraction * 100)} %`;
const jsonOf = (value: unknown) => (value === null || value === undefined ? null : JSON.stringify(value));

function errorOf(error: unknown): string | null {
  const { message, code } = (error ?? {}) as { message?: string; code?: string };
  if (message === undefined) return jsonOf(error);
  return paint("red", `${message}${code ? ` (${code})` : ""}`);
}
