/**
 * What callers may give: one set of schemas, which checks everything that comes in before anything is written, gives
 * the HTTP client its types, and is what `/openapi.json` shows.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import * as v from "valibot";
import {
  type Issue,
  invalidRequest,
  mustBe,
  PermanentError,
  quote,
  refusal,
  TickworkError,
} from "../errors.ts";
import {
  BATCH_LIMIT,
  ISSUES_LIMIT,
  MAX_ATTEMPTS_LIMIT,
  NAME_LIMIT,
  TASK_DATA_LIMIT_BYTES,
  VERSION_LIMIT,
} from "../limits.ts";
import { accepts, noList, storable } from "./accepts.ts";
import { ENCRYPTED, isSealed } from "./encryption.ts";
import { laneFields } from "./laning.ts";
import { dataFor, type Registry } from "./registry.ts";
import { findUnstorable } from "./storable.ts";
import type { NewTask, TaskChanges, Uniqueness } from "./task.ts";
import { parseTime, TIME_FORMAT, TIME_SHAPE } from "./time.ts";
import { contradictions, UniquenessSchema, uniqueBy, uniqueFields } from "./uniqueness.ts";
import { LIKE_A_VERSION, versionOfRow, versionsOf } from "./version.ts";

const name = accepts(`a string of 1 to ${NAME_LIMIT} characters`);
const count = accepts(`a whole number from 1 to ${MAX_ATTEMPTS_LIMIT}`);
const versionNumber = accepts(`a whole number from 1 to ${VERSION_LIMIT}`);

const fields = {
  type: v.pipe(
    v.string(name),
    v.minLength(1, name),
    v.maxLength(NAME_LIMIT, name),
    storable,
    v.check((type) => !LIKE_A_VERSION.test(type), accepts("a name that does not end in @ and a number")),
    v.description("The type of the task: which handler runs it."),
  ),
  scheduled_time: v.pipe(
    v.nullish(
      v.pipe(
        v.union(
          [v.pipe(v.string(), v.metadata({ pattern: TIME_SHAPE.source })), v.date()],
          accepts(TIME_FORMAT),
        ),
        v.check((time) => parseTime(time) !== undefined, accepts(TIME_FORMAT)),
      ),
    ),
    v.description(
      `When it is due: ${TIME_FORMAT}. The day must be in the calendar. Absent or null means now; a time in the past is due at once.`,
    ),
    v.examples(["2026-11-24T09:00:00Z", "2026-11-24T10:00:00.250+01:00"]),
  ),
  task_data: v.pipe(
    v.optional(v.unknown()),
    v.description("Any JSON, up to 256 KB; the schema of its type says what it must look like."),
  ),
  attachment_id: v.pipe(
    v.nullish(v.pipe(v.string(name), v.minLength(1, name), v.maxLength(NAME_LIMIT, name), storable)),
    v.description("A file that belongs to the task."),
  ),
  version: v.pipe(
    v.nullish(
      v.pipe(
        v.number(versionNumber),
        v.integer(versionNumber),
        v.minValue(1, versionNumber),
        v.maxValue(VERSION_LIMIT, versionNumber),
      ),
    ),
    v.description("The version of its type; absent or null means the one that the server's code has."),
  ),
  max_attempts: v.pipe(
    v.nullish(
      v.pipe(v.number(count), v.integer(count), v.minValue(1, count), v.maxValue(MAX_ATTEMPTS_LIMIT, count)),
    ),
    v.description(
      "How often it may fail before it ends in Error; absent or null means the default of its type.",
    ),
  ),
  ...laneFields,
};

const newFields = { ...fields, ...uniqueFields };
const changedFields = { ...fields, type: v.optional(fields.type) };
const namesOf = (known: object) => Object.keys(known).join(", ");

const onlyThese = (known: object, what: string, needed: string) => (issue: v.StrictObjectIssue) => {
  if (issue.expected === "never") return `is not a field that can be set; these can: ${namesOf(known)}`;
  return issue.path ? "is missing" : `${what} ${mustBe(`an object with ${needed}`, issue.input)}`;
};

/** A task to be created. */
export const NewTaskSchema = noList(v.strictObject(newFields, onlyThese(newFields, "the task", "a type")));
/** Changes to a task that has not started. */
export const TaskChangesSchema = noList(
  v.strictObject(changedFields, onlyThese(fields, "the changes", `some of ${namesOf(fields)}`)),
);

/** What is wrong with a request. */
interface Findings {
  issues: Issue[];
  /** How many there are; of those of a task's data, only the first are kept. */
  count: number;
  /** How many of them are about a type that has no handler. */
  unknownTypes: number;
  /** More could be told of no task: the data of the rest is not checked. */
  atLeast: boolean;
}

const noFindings = (): Findings => ({ issues: [], count: 0, unknownTypes: 0, atLeast: false });

function note(findings: Findings, issue: Issue): void {
  findings.count++;
  findings.issues.push(issue);
}

/**
 * Checks tasks that are to be created. If one is not acceptable, none is.
 *
 * @throws TickworkError `invalid_request` or `unknown_type`, with an issue for each value; `task_data_too_large` or
 * `too_many_tasks`
 */
export async function checkNewTasks(registry: Registry, tasks: readonly NewTask[]): Promise<NewTask[]> {
  if (tasks.length > BATCH_LIMIT)
    throw new TickworkError(
      "too_many_tasks",
      `The array must have at most ${BATCH_LIMIT} tasks, got ${tasks.length}.`,
    );
  if (tasks.length === 0) throw refusal("", `the array must have 1 to ${BATCH_LIMIT} tasks, got none`);
  const findings = noFindings();
  const checked: NewTask[] = [];
  let bytes = 0;
  for (const [n, given] of tasks.entries()) {
    const at = tasks.length === 1 ? "" : `[${n}]`;
    const task = checkShape(NewTaskSchema, given, at, findings);
    if (!task) continue;
    let unique: Uniqueness = task;
    if (findings.count >= ISSUES_LIMIT) findings.atLeast = true;
    else {
      const data = await checkTypeAndData(registry, task, at, findings);
      bytes += data.bytes;
      const by = registry.get(task.type)?.unique;
      if (by && "value" in data)
        unique = checkShape(UniquenessSchema, uniqueBy(by, task, data.value, at), at, findings) ?? {};
    }
    for (const { path, message } of contradictions({ ...task, ...unique }))
      note(findings, { path: join(at, path), message });
    checked.push(withVersion(normal({ ...task, ...unique }), versionOf(registry, task), null));
    // Others get their turn: a schema may take its time with so much data.
    if (bytes <= TASK_DATA_LIMIT_BYTES) continue;
    bytes = 0;
    await nextTurn();
  }
  if (findings.count > 0) throw rejection(findings);
  return checked;
}

/**
 * Checks changes to the task `current`.
 *
 * @throws TickworkError as `checkNewTasks`
 */
export async function checkChanges(
  registry: Registry,
  current: NewTask,
  given: TaskChanges,
): Promise<TaskChanges> {
  const findings = noFindings();
  const changes = checkShape(TaskChangesSchema, given, "", findings);
  if (changes && Object.keys(changes).length === 0)
    note(findings, {
      path: "",
      message: `the changes must have at least one of ${namesOf(fields)}, got none`,
    });
  if (!changes) throw rejection(findings);
  let { version } = changes;
  if ("type" in changes || "task_data" in changes || "version" in changes) {
    const type = changes.type ?? current.type;
    // Other data is data of the version that the code here has.
    version = versionOf(registry, { type, version });
    const task_data = "task_data" in changes ? changes.task_data : current.task_data;
    await checkTypeAndData(registry, { type, task_data, version }, "", findings);
  }
  if (findings.count > 0) throw rejection(findings);
  return withVersion(normal(changes), version, versionOfRow(current.version));
}

/** Says the version where it is not the one that the row has anyway. */
function withVersion<Fields extends TaskChanges>(
  fields: Fields,
  version: number | null | undefined,
  before: number | null,
): Fields {
  const { version: _, ...others } = fields;
  return (version === undefined || version === before ? others : { ...others, version }) as Fields;
}

/** The version of a task that is to be created, as its row has it. */
function versionOf(registry: Registry, { type, version }: Pick<NewTask, "type" | "version">): number | null {
  return versionOfRow(version ?? registry.get(type)?.version ?? null);
}

function checkShape<Schema extends v.GenericSchema>(
  schema: Schema,
  given: unknown,
  at: string,
  findings: Findings,
): v.InferOutput<Schema> | undefined {
  const result = v.safeParse(schema, given);
  if (result.success) return result.output;
  for (const issue of result.issues)
    note(findings, { path: join(at, v.getDotPath(issue) ?? ""), message: issue.message });
  return undefined;
}

/** @returns the bytes of the data as JSON, and what its type makes of it, where that is known */
async function checkTypeAndData(
  registry: Registry,
  { type, task_data, version }: NewTask,
  at: string,
  findings: Findings,
): Promise<{ bytes: number; value?: unknown }> {
  const met = { converted: false };
  const unstorable = findUnstorable(task_data, join(at, "task_data"), met);
  if (unstorable) {
    note(findings, unstorable);
    return { bytes: 0 };
  }
  // A function or a symbol, for which JSON has nothing, is stored as null.
  const json = (JSON.stringify(task_data ?? null) as string | undefined) ?? "null";
  const bytes = Buffer.byteLength(json);
  if (bytes > TASK_DATA_LIMIT_BYTES)
    throw new TickworkError(
      "task_data_too_large",
      `${join(at, "task_data")} must have at most ${TASK_DATA_LIMIT_BYTES} bytes as JSON, got ${bytes}. Store the data elsewhere and give its address.`,
    );
  const mark = markIn(registry, type, task_data);
  if (mark) {
    note(findings, { path: join(at, "task_data"), message: mark });
    return { bytes };
  }
  const definition = registry.get(type);
  if (!definition && registry.open) return { bytes };
  if (!definition) {
    const known = registry.types.map(quote).join(", ") || "none";
    note(findings, {
      path: join(at, "type"),
      message: mustBe(`one that has a handler (${known})`, type),
    });
    findings.unknownTypes++;
    return { bytes };
  }
  const read = versionsOf(definition);
  const versionGiven = version ?? definition.version ?? 1;
  if (!read.includes(versionGiven)) {
    const message = mustBe(`a version that the code here reads (${read.join(", ")})`, versionGiven);
    note(findings, { path: join(at, "version"), message });
    return { bytes };
  }
  // As its handler gets it: a Date is a string by then, and a schema that insists on a Date would refuse it only there.
  const stored = { task_data: met.converted ? JSON.parse(json) : task_data, version: versionGiven };
  const checked = await dataFor(definition, stored).catch((error) => {
    if (!(error instanceof PermanentError)) throw error;
    return { issues: [{ path: "task_data", message: error.message }], count: 1 };
  });
  if (!("issues" in checked)) return { bytes, value: checked.value };
  for (const { path, message } of checked.issues) note(findings, { path: join(at, path), message });
  findings.count += checked.count - checked.issues.length;
  return { bytes };
}

/** What stands for encrypted data would take its place, and what looks like it could not be told from it. */
function markIn({ encryption }: Registry, type: string, data: unknown): string | undefined {
  if (isSealed(data)) return "must be the data itself, got what was encrypted";
  return data === ENCRYPTED && encryption.encrypts(type) ? mustBe("the data itself", ENCRYPTED) : undefined;
}

/** Times as they are stored; Postgres's clock fills in those that are absent. */
function normal<Fields extends TaskChanges>(task: Fields): Fields {
  return task.scheduled_time ? { ...task, scheduled_time: parseTime(task.scheduled_time) } : task;
}

function join(at: string, path: string): string {
  return at && path ? `${at}.${path}` : at || path;
}

function rejection({ issues, unknownTypes, ...total }: Findings): TickworkError {
  return invalidRequest(issues, unknownTypes === total.count ? "unknown_type" : "invalid_request", total);
}
