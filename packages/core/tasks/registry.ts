import type { EncryptionKey } from "../encryption-keys.ts";
import {
  type Issue,
  messageOf,
  notDefined,
  PermanentError,
  quote,
  RetryAfter,
  TickworkError,
} from "../errors.ts";
import {
  DEFAULT_TIMEOUT_MS,
  ISSUES_LIMIT,
  NAME_LIMIT,
  RUN_BATCH_SIZE,
  RUN_BATCH_SIZE_MAX,
  SETTLE_WITHIN_MAX_MS,
  SETTLE_WITHIN_MS,
  WINDOW_MS,
} from "../limits.ts";
import type { Definitions, TaskDefinition } from "./define-task.ts";
import { createEncryption, type Encryption } from "./encryption.ts";
import { flawOfRetention, type Retention, retentionOf } from "./retention.ts";
import { isOneOfMany } from "./run-many.ts";
import type { DeclaredSchedule } from "./schedule.ts";
import type { Task } from "./task.ts";
import { flawOfUnique } from "./unique-definition.ts";
import { flawOfVersion, versionedType, versionOfRow, versionsOf } from "./version.ts";

/** The types of task that a deployment knows. */
export interface Registry {
  /** Those that it was given. */
  types: string[];
  /** Those of them that this deployment runs, each in the versions that it reads: see `versionedType`. */
  ours: string[];
  /** Those that other programs run. */
  foreign: string[];
  /** It takes all other types as well, for other processes have their definitions. */
  open: boolean;
  /** As in `KnownTypes`. */
  windowMs: number;
  retried: ReadonlyMap<string, number>;
  /** How long their finished tasks stay, of types that say so. */
  retention: ReadonlyMap<string, Retention>;
  get(type: string): TaskDefinition | undefined;
  /** What runs a task: it reads the version of the task, too. */
  definitionOf(task: Pick<Task, "type" | "version">): TaskDefinition | undefined;
  /** What an attempt may take, in milliseconds. */
  timeoutMsOf(definition: TaskDefinition): number;
  /** The longest time limit of those that it was given, in milliseconds. */
  longestTimeoutMs: number;
  /** How tasks of a type run in batches; undefined when they run one by one. */
  batchOf(task: Pick<Task, "type" | "version">): Batching | undefined;
  /** The types that run in batches, in all versions, and the sizes of these. */
  batches: { types: string[]; sizes: number[] };
  /** Encrypts what belongs to types that say so. */
  encryption: Encryption;
}

/** @throws TickworkError `bad_definition` when two schedules have a name, or the type of one is not defined */
export function checkDeclared(declared: readonly DeclaredSchedule[], { types }: Registry): void {
  const names = new Set<string>();
  for (const { name, given } of declared) {
    const refuse = (message: string) =>
      new TickworkError("bad_definition", `Schedule "${name}": ${message}.`);
    if (names.has(name)) throw refuse("it is declared twice");
    names.add(name);
    if (!types.includes(given.type ?? "")) throw refuse(notDefined(types, given.type));
  }
}

/** How tasks of a type run in batches. */
export interface Batching {
  size: number;
  settleWithinMs: number;
}

interface RegistryOptions {
  timeoutLimitMs?: number | undefined;
  /** Types without a definition are accepted, whatever their data. */
  open?: boolean | undefined;
  windowMs?: number;
  /** What Tickwork itself needs; no list shows them. */
  builtIn?: Definitions;
  /** What types that say `encrypt` are encrypted with. Default: nothing, so their data is refused. */
  keys?: readonly EncryptionKey[] | undefined;
  /** In its place, where others say what is encrypted. */
  encryption?: Encryption | undefined;
}

/**
 * Collects definitions.
 *
 * @throws TickworkError `bad_definition` when two have the same type, or one of their values is not usable
 * @example const registry = createRegistry([httpRequest, cleanup, greet]);
 */
export function createRegistry(
  definitions: Definitions,
  {
    timeoutLimitMs,
    open = false,
    windowMs = WINDOW_MS,
    keys = [],
    encryption,
    builtIn = [],
  }: RegistryOptions = {},
): Registry {
  const byType = new Map<string, TaskDefinition>();
  const byName = new Map<string, TaskDefinition>();
  const batches = new Map<string, Batching>();
  const timeoutMsOf = ({ timeoutSeconds }: TaskDefinition) =>
    timeoutSeconds === undefined
      ? Math.min(DEFAULT_TIMEOUT_MS, timeoutLimitMs ?? DEFAULT_TIMEOUT_MS)
      : timeoutSeconds * 1000;
  for (const definition of [...definitions, ...builtIn]) {
    const { type, maxAttempts = 1, timeoutSeconds } = definition;
    const refuse = (message: string) =>
      new TickworkError("bad_definition", `Task type "${type}": ${message}.`);
    if (type.length === 0 || type.length > NAME_LIMIT)
      throw refuse(`its name must have 1 to ${NAME_LIMIT} characters, got ${type.length}`);
    if (byType.has(type)) throw refuse("it is defined twice");
    if (!Number.isInteger(maxAttempts) || maxAttempts < 1)
      throw refuse(`maxAttempts must be a whole number from 1, got ${maxAttempts}`);
    const timeoutMs = timeoutMsOf(definition);
    if (!(timeoutMs > 0)) throw refuse(`timeoutSeconds must be more than 0, got ${timeoutSeconds}`);
    if (timeoutLimitMs !== undefined && timeoutMs > timeoutLimitMs)
      throw refuse(`timeoutSeconds must be at most ${timeoutLimitMs / 1000} here, got ${timeoutSeconds}`);
    const flaw =
      flawOfHandlers(definition) ??
      flawOfVersion(definition) ??
      flawOfRetention(definition) ??
      flawOfUnique(definition) ??
      flawOfEncryption(definition);
    if (flaw) throw refuse(flaw);
    const batching = batchingOf(definition, refuse);
    byType.set(type, definition);
    for (const version of versionsOf(definition)) {
      const name = versionedType(type, versionOfRow(version));
      byName.set(name, definition);
      if (batching) batches.set(name, batching);
    }
  }
  const namesOf = (isForeign: boolean) =>
    [...byName].flatMap(([name, { foreign = false }]) => (foreign === isForeign ? [name] : []));
  return {
    types: definitions.map(({ type }) => type),
    ours: namesOf(false),
    foreign: namesOf(true),
    open,
    windowMs,
    retried: new Map(
      [...byType].flatMap(([type, { maxAttempts = 1 }]) => (maxAttempts > 1 ? [[type, maxAttempts]] : [])),
    ),
    retention: new Map(
      [...byType].flatMap(([type, definition]) => {
        const retention = retentionOf(definition);
        return retention ? [[type, retention]] : [];
      }),
    ),
    get: (type) => byType.get(type),
    definitionOf: ({ type, version }) => byName.get(versionedType(type, version)),
    timeoutMsOf,
    longestTimeoutMs: Math.max(0, ...definitions.map(timeoutMsOf)),
    batchOf: ({ type, version }) => batches.get(versionedType(type, version)),
    batches: { types: [...batches.keys()], sizes: [...batches.values()].map(({ size }) => size) },
    encryption: encryption ?? createEncryption(keys, (type) => byType.get(type)?.encrypt === true),
  };
}

function flawOfEncryption({ encrypt, foreign }: TaskDefinition): string | undefined {
  if (encrypt !== undefined && typeof encrypt !== "boolean")
    return `encrypt must be true or false, got ${quote(encrypt)}`;
  return encrypt && foreign ? "another program runs it, and could not read what is encrypted" : undefined;
}

/** What is wrong with the handlers of a definition: it has one for one task, or one for many. */
function flawOfHandlers({ run, runMany }: Partial<TaskDefinition>): string | undefined {
  if (!run && !runMany) return "it must have run, or runMany";
  if (runMany && !run) return "with runMany it must be made by defineTask";
  return run && runMany && !isOneOfMany(run) ? "it must have run or runMany, got both" : undefined;
}

function batchingOf(
  { batch, foreign, runMany }: TaskDefinition,
  refuse: (message: string) => TickworkError,
): Batching | undefined {
  if (batch === false && runMany) throw refuse("with runMany it runs in batches, got batch: false");
  if (!batch && !runMany) return undefined;
  if (foreign) throw refuse("another program runs it, so batch has no meaning");
  if (batch !== undefined && typeof batch !== "boolean" && typeof batch !== "object")
    throw refuse(`batch must be true or { size, settleWithinMs }, got ${quote(batch)}`);
  const { size = RUN_BATCH_SIZE, settleWithinMs = SETTLE_WITHIN_MS } = typeof batch === "object" ? batch : {};
  if (!Number.isInteger(size) || size < 1 || size > RUN_BATCH_SIZE_MAX)
    throw refuse(`batch.size must be a whole number from 1 to ${RUN_BATCH_SIZE_MAX}, got ${size}`);
  if (!(settleWithinMs >= 1 && settleWithinMs <= SETTLE_WITHIN_MAX_MS))
    throw refuse(`batch.settleWithinMs must be from 1 to ${SETTLE_WITHIN_MAX_MS}, got ${settleWithinMs}`);
  return { size, settleWithinMs };
}

/** The data of a task as its handler takes it, or what is wrong with it. @throws what `migrate` or the schema throws */
export async function dataFor(
  definition: TaskDefinition,
  { task_data, version }: Pick<Task, "task_data" | "version">,
): ReturnType<typeof checkData> {
  return checkData(definition, await migrated(definition, task_data, version ?? 1));
}

/** Data of an older version, in that of the definition. @throws PermanentError `migration_failed` */
async function migrated(definition: TaskDefinition, data: unknown, version: number): Promise<unknown> {
  if (version === (definition.version ?? 1)) return data;
  try {
    // Only a row whose type ends like a version, written in SQL, comes here without it.
    if (!definition.migrate) throw new Error("there is no migrate");
    return await definition.migrate(data, version);
  } catch (error) {
    if (error instanceof RetryAfter || error instanceof PermanentError) throw error;
    throw new PermanentError(`its data could not be migrated from version ${version}: ${messageOf(error)}`, {
      code: "migration_failed",
      cause: error,
    });
  }
}

/**
 * Checks `task_data` against the schema of its type; paths of issues begin with `task_data`. A schema may find an issue
 * in each of a hundred thousand values: only those are kept that can be told.
 */
export async function checkData(
  definition: TaskDefinition,
  data: unknown,
): Promise<{ value: unknown } | { issues: Issue[]; count: number }> {
  if (!definition.data) return { value: data };
  const result = await definition.data["~standard"].validate(data ?? undefined);
  if (!result.issues) return { value: result.value };
  return {
    count: result.issues.length,
    issues: result.issues.slice(0, ISSUES_LIMIT).map(({ message, path }) => ({
      path: [
        "task_data",
        ...(path ?? []).map((part) => String(typeof part === "object" ? part.key : part)),
      ].join("."),
      message,
    })),
  };
}
