/**
 * Encryption at rest, for types that say `encrypt`. A value is encrypted before it becomes part of a row, and decrypted
 * for the handler and for whoever reads it through Tickwork: Postgres, Redis and the log never have it. What is
 * encrypted is a text in its place, with the id of its key:
 *
 *     tickwork:encrypted:1:<id of the key>:<base64url of nonce, tag and ciphertext>
 *
 * AES-256-GCM authenticates, beside it, which type and field it belongs to, and of which task: so it cannot be read in
 * the place of another. Data is the exception, for a task has no id before it is inserted: it is bound to its type.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { EncryptionKey } from "../encryption-keys.ts";
import { quote, TickworkError } from "../errors.ts";
import type { AttemptRecord, CONTENT, Outcome, Task, TaskErrorData } from "./task.ts";

/** What stands in the place of a value that its reader may not see, or that cannot be decrypted. */
export const ENCRYPTED = "[encrypted]";

const MARK = "tickwork:encrypted:1:";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** How Postgres finds in JSON as text what is encrypted, to pass it over. */
export const SEALED_IN_JSON = `"${MARK}[^"]*"`;
export const SEALED_MARK = MARK;

export const isSealed = (value: unknown): value is string =>
  typeof value === "string" && value.startsWith(MARK);

/** Where a value belongs. */
interface Place {
  type: string;
  field: "task_data" | "result_data" | "error";
  /** Absent: of data. */
  id?: number;
}

type Field = (typeof CONTENT)[number];

/** Encrypts and decrypts; of types that are not encrypted it costs a look at the type. */
export interface Encryption {
  /** Whether the data of a type is to be encrypted. */
  encrypts(type: string): boolean;
  /** The data of a new task, or of a schedule, as its row has it. @throws TickworkError `encryption_key_missing` */
  sealData(type: string, data: unknown): unknown;
  /** What a handler's end becomes, as its row has it. */
  sealOutcome(task: Pick<Task, "id" | "type">, outcome: Outcome): Outcome;
  /** The data of a task. @throws TickworkError `encryption_key_missing` or `decryption_failed` */
  openData(task: Pick<Task, "type" | "task_data">): unknown;
  /** A task, or a schedule, as it is read: what cannot be decrypted is `[encrypted]`. Itself, if nothing is encrypted. */
  open<Read extends Readable>(task: Read): Read & { encrypted?: Field[] };
  /** The end of an attempt as its handler left it, for tests of users. */
  openOutcome(task: Pick<Task, "id" | "type">, outcome: Outcome): Outcome;
}

/** What may have encrypted parts: a task, or a schedule. */
type Readable = { type: string; task_data: unknown } & Partial<
  Pick<Task, "id" | "result_data" | "error_data" | "history">
>;

/**
 * @param keys the first one encrypts, all of them decrypt
 * @param encrypts the types
 */
export function createEncryption(
  keys: readonly EncryptionKey[],
  encrypts: (type: string) => boolean,
): Encryption {
  const seal = (place: Place, value: unknown): unknown => {
    const json = JSON.stringify(value ?? null) as string | undefined;
    // Nothing is nothing secret; of a function JSON has nothing.
    return json === undefined || json === "null" ? null : sealText(keys, place, json);
  };
  const open = (place: Place, value: unknown): unknown =>
    isSealed(value) ? JSON.parse(openText(keys, place, value)) : value;
  const tryOpen = (place: Place, value: unknown): unknown => {
    try {
      return open(place, value);
    } catch {
      return ENCRYPTED;
    }
  };
  /** The messages of an error, and of the attempts before it, each changed. */
  const errorWith = (
    error: TaskErrorData,
    change: (text: string) => string,
    changeEarlier = change,
  ): TaskErrorData => ({
    ...error,
    message: change(error.message),
    ...(error.stack === undefined ? {} : { stack: change(error.stack) }),
    ...(error.history ? { history: error.history.map((one) => recordWith(one, changeEarlier)) } : {}),
  });
  const outcomeWith = (
    { id, type }: Pick<Task, "id" | "type">,
    outcome: Outcome,
    change: (place: Place, value: unknown) => unknown,
  ): Outcome => {
    if (outcome.kind === "completed")
      return { ...outcome, result: change({ type, id, field: "result_data" }, outcome.result) };
    if (outcome.kind !== "failed" && outcome.kind !== "retried") return outcome;
    const text = (value: string) => change({ type, id, field: "error" }, value) as string;
    // They may be as they were read, encrypted.
    const earlier = (value: string) => (isSealed(value) && change === seal ? value : text(value));
    return {
      ...outcome,
      error: errorWith(outcome.error, text, earlier),
      record: recordWith(outcome.record, text),
    };
  };

  return {
    encrypts,
    sealData: (type, data) => (encrypts(type) ? seal({ type, field: "task_data" }, data) : data),
    sealOutcome: (task, outcome) => (encrypts(task.type) ? outcomeWith(task, outcome, seal) : outcome),
    openData: ({ type, task_data }) => open({ type, field: "task_data" }, task_data),
    openOutcome: (task, outcome) => outcomeWith(task, outcome, tryOpen),
    open(task) {
      const encrypted = sealedIn(task);
      if (encrypted.length === 0) return task;
      const { type, id = 0, task_data, result_data, error_data, history } = task;
      const text = (value: string) => tryOpen({ type, id, field: "error" }, value) as string;
      const values: { [Name in Field]: () => unknown } = {
        task_data: () => tryOpen({ type, field: "task_data" }, task_data),
        result_data: () => tryOpen({ type, id, field: "result_data" }, result_data),
        error_data: () => errorWith(error_data as TaskErrorData, text),
        history: () => history?.map((one) => recordWith(one, text)),
      };
      return {
        ...task,
        ...Object.fromEntries(encrypted.map((name) => [name, values[name]()])),
        encrypted,
      };
    },
  };
}

/** The fields of a row that have something encrypted. */
function sealedIn({ task_data, result_data, error_data, history }: Readable): Field[] {
  const found: Field[] = [];
  if (isSealed(task_data)) found.push("task_data");
  if (isSealed(result_data)) found.push("result_data");
  if (error_data != null && hasSealed(error_data as Partial<TaskErrorData>)) found.push("error_data");
  if (history?.some(({ message }) => isSealed(message))) found.push("history");
  return found;
}

function hasSealed({ message, history }: Partial<TaskErrorData>): boolean {
  return isSealed(message) || (Array.isArray(history) && history.some((one) => isSealed(one?.message)));
}

const recordWith = (record: AttemptRecord, change: (text: string) => string): AttemptRecord => ({
  ...record,
  message: change(record.message),
});

/** What is authenticated beside the ciphertext. */
const placeOf = ({ type, field, id }: Place): Buffer =>
  Buffer.from(JSON.stringify([MARK, type, field, id ?? null]));

function sealText([first]: readonly EncryptionKey[], place: Place, text: string): string {
  if (!first)
    throw new TickworkError(
      "encryption_key_missing",
      `Tasks of type ${quote(place.type)} are encrypted, and this process has no TASK_ENCRYPTION_KEYS.`,
    );
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", first.key, nonce).setAAD(placeOf(place));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  const bytes = Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  return `${MARK}${first.id}:${bytes.toString("base64url")}`;
}

function openText(keys: readonly EncryptionKey[], place: Place, sealed: string): string {
  const [id = "", encoded = ""] = sealed.slice(MARK.length).split(":");
  const found = keys.find((one) => one.id === id);
  const what = `The ${place.field === "error" ? "error" : place.field} of ${place.id === undefined ? "a task" : `task ${place.id}`} of type ${quote(place.type)}`;
  if (!found)
    throw new TickworkError(
      "encryption_key_missing",
      `${what} is encrypted with the key ${quote(id)}, which this process does not have; it has ${keys.map((one) => quote(one.id)).join(", ") || "none"}.`,
    );
  try {
    const bytes = Buffer.from(encoded, "base64url");
    const opening = createDecipheriv("aes-256-gcm", found.key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(placeOf(place))
      .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return opening.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + opening.final("utf8");
  } catch (cause) {
    throw new TickworkError(
      "decryption_failed",
      `${what} cannot be decrypted: it was changed, moved here from another place, or encrypted with another key ${quote(id)}.`,
      { cause },
    );
  }
}
