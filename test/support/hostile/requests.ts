/** Requests as the document describes them, drawn with fast-check: the same seed, the same requests. */
import fc from "fast-check";
import { cursorAfter, cursorOf, cursorOfPlace } from "../../../packages/api/cursors.ts";
import { cursorAfterName } from "../../../packages/api/schemas/schedule-schemas.ts";
import { TIME_SHAPE } from "../../../packages/core/tasks/time.ts";
import type { Described, DescribedOperation, Schema } from "./described.ts";
import { bulkOf, coherent, limitOf, lineName } from "./filters.ts";

/** A request as it will be on the wire. */
export interface HttpRequest {
  /** What it is, for whoever reads a finding. */
  name: string;
  method: string;
  /** The path and the query, encoded. */
  target: string;
  /** With names as they are sent. The key is among them, where it is sent. */
  headers: [name: string, value: string][];
  body?: string | Buffer;
}

/** What a request is made of before it is put together. */
export interface Draft {
  operation: DescribedOperation;
  path: Record<string, string | number>;
  query: [name: string, value: string][];
  headers: [name: string, value: string][];
  /** As JSON would have it; undefined: none. */
  body: unknown;
}

export interface Knowledge {
  described: Described;
  key: string;
  /** Types of task and what their data may be. */
  types: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  /** The highest id that is worth a try. */
  maxId: number;
}

/** Any request that the document describes; whether the task exists and is in the right state is left to chance. */
export function validDraft(knowledge: Knowledge): fc.Arbitrary<Draft> {
  return fc.oneof(...knowledge.described.operations.map((operation) => draftOf(operation, knowledge)));
}

/** One for each operation, whichever chance would have passed over. */
export function draftOfEach(knowledge: Knowledge, seed: number): Draft[] {
  return knowledge.described.operations.flatMap((operation) =>
    fc.sample(draftOf(operation, knowledge), { seed, numRuns: 1 }),
  );
}

function draftOf(operation: DescribedOperation, knowledge: Knowledge): fc.Arbitrary<Draft> {
  const parametersIn = (where: string) => operation.parameters.filter((one) => one.in === where);
  const record = (where: string) =>
    fc.record(
      Object.fromEntries(
        parametersIn(where).map(({ name, schema }) => [
          name,
          where === "header"
            ? headerText()
            : // Dots are resolved before anybody reads the path.
              parameter(name, schema, knowledge, operation.operationId).filter(
                (value) => where !== "path" || (value !== "." && value !== ".."),
              ),
        ]),
      ),
      { requiredKeys: parametersIn(where).flatMap(({ name, required }) => (required ? [name] : [])) },
    ) as fc.Arbitrary<Record<string, string | number>>;
  const texts = (values: Record<string, string | number>) =>
    Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]);
  return fc.record({
    operation: fc.constant(operation),
    path: record("path"),
    query: record("query").map((query) => texts(coherent(query) as typeof query)),
    headers: record("header").map(texts),
    body: operation.body ? drawn(operation.body, knowledge) : fc.constant(undefined),
  });
}

/** The request of a draft, as a well-behaved client sends it. */
export function requestOf({ operation, path, query, headers, body }: Draft, key: string): HttpRequest {
  const pathname = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name] ?? ""),
  );
  const search = new URLSearchParams(query).toString();
  return {
    name: operation.operationId,
    method: operation.method,
    target: search ? `${pathname}?${search}` : pathname,
    headers: [
      ["authorization", `Bearer ${key}`],
      ...headers,
      ...(body === undefined ? [] : ([["content-type", "application/json"]] as [string, string][])),
    ],
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

function parameter(
  name: string,
  schema: Schema,
  knowledge: Knowledge,
  operationId: string,
): fc.Arbitrary<unknown> {
  const { maxId, types } = knowledge;
  if (name === "id") return fc.integer({ min: 1, max: maxId });
  if (name === "name") return scheduleName();
  if (name === "type") return fc.constantFrom(...Object.keys(types));
  if (name === "queue" || name === "concurrency_key") return lineName();
  const someId = fc.integer({ min: 1, max: maxId });
  if (name === "cursor" && operationId === "notStarted")
    return fc.record({ id: someId, atMs: fc.nat() }).map(cursorAfter);
  if (name === "cursor" && operationId === "listSchedules") return scheduleName().map(cursorAfterName);
  if (name === "cursor" && operationId === "listTasks")
    return someId.map((id) => cursorOfPlace("-created", { id }));
  if (name === "cursor") return someId.map(cursorOf);
  return drawn(schema, knowledge);
}

/** Any value of a schema. Arrays and texts are short: sizes are for the attacks. */
function drawn(given: Schema, knowledge: Knowledge): fc.Arbitrary<unknown> {
  const schema = knowledge.described.resolve(given);
  const { type, anyOf, oneOf, properties, items, minimum, maximum } = schema as {
    type?: string;
    anyOf?: Schema[];
    oneOf?: { required: string[] }[];
    properties?: Record<string, Schema>;
    items?: Schema;
    minimum?: number;
    maximum?: number;
  };
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  if (anyOf) return fc.oneof(...anyOf.map((one) => drawn(one, knowledge)));
  if (type === "object" && properties && "weight" in properties) return limitOf(Object.keys(knowledge.types));
  if (type === "object" && properties && "filter" in properties) return bulk(properties, knowledge);
  if (type === "object" && properties && "cron" in properties) return scheduleOf(properties, knowledge);
  if (type === "object" && properties && "task_data" in properties)
    return taskOf(properties, (schema.required as string[] | undefined) ?? [], knowledge);
  if (type === "object" && properties && oneOf) {
    // One of these names goes with what is in none of them.
    const { oneOf: _, ...one } = schema;
    const names = oneOf.flatMap(({ required }) => required);
    const without = (kept: string) =>
      Object.fromEntries(
        Object.entries(properties).filter(([name]) => name === kept || !names.includes(name)),
      );
    return fc.oneof(...names.map((name) => drawn({ ...one, properties: without(name) }, knowledge)));
  }
  if (type === "object")
    return fc.record(
      Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, one]) => [
          name,
          // Of who signs in.
          name === "key"
            ? fc.constantFrom(knowledge.key, "wrong")
            : // The only object without properties of its own is the item of a hook.
              name === "data"
              ? fc.record({ id: fc.integer({ min: 1, max: knowledge.maxId }) })
              : drawn(one, knowledge),
        ]),
      ),
    );
  if (type === "array" && items) {
    const one = drawn(items, knowledge);
    // The only list of names is one of scopes, each once.
    const draw = "enum" in items ? fc.uniqueArray : fc.array;
    return draw(one, { minLength: 1, maxLength: SHORT });
  }
  if (type === "integer") return fc.integer({ min: minimum ?? 0, max: maximum ?? MANY });
  if (type === "number") return fc.integer({ min: Math.ceil(minimum ?? 0), max: maximum ?? MANY });
  if (type === "boolean") return fc.boolean();
  if (type === "null") return fc.constant(null);
  if (schema.pattern === TIME_SHAPE.source) return time();
  return plainText(1);
}

/** A type and its data belong together. */
function taskOf(
  properties: Record<string, Schema>,
  required: readonly string[],
  knowledge: Knowledge,
): fc.Arbitrary<unknown> {
  // Not all of these go together.
  const {
    type: _,
    task_data: __,
    unique_key,
    unique_for,
    on_conflict,
    longest_wait_seconds,
    ...others
  } = properties;
  const rest = fc
    .tuple(
      fc.record(
        Object.fromEntries(
          Object.entries(others).map(([name, schema]) => [
            name,
            // The types that there are have one version.
            name === "version" ? fc.constantFrom(1, null) : drawn(schema, knowledge),
          ]),
        ),
        { requiredKeys: [] },
      ),
      unique_key && unique_for && on_conflict && longest_wait_seconds ? uniqueness() : fc.constant({}),
    )
    .map(([one, unique]) => ({ ...one, ...unique }));
  const typed = fc.oneof(
    ...Object.entries(knowledge.types).map(([type, data]) =>
      fc.record({ type: fc.constant(type), task_data: data }),
    ),
  );
  const alone = required.includes("type") ? [] : [rest.filter((one) => Object.keys(one).length > 0)];
  return fc.oneof(
    fc.tuple(typed, rest).map(([one, more]) => ({ ...one, ...more })),
    ...alone,
  );
}

/** What is said about a unique key, as it goes together. Of few keys, so that they meet. */
function uniqueness(): fc.Arbitrary<object> {
  const unique_key = fc.constantFrom("one", "two", "three");
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.record({ unique_key, unique_for: fc.constantFrom("waiting", "unfinished", 60) }),
    fc.record({ unique_key, on_conflict: fc.constant("replace") }),
    fc.record({
      unique_key,
      on_conflict: fc.constant("postpone"),
      longest_wait_seconds: fc.constant(60),
      scheduled_time: time(),
    }),
  );
}

/** Times that there are, or whatever their schemas allow. */
function scheduleOf(properties: Record<string, Schema>, knowledge: Knowledge): fc.Arbitrary<unknown> {
  const { cron, every_seconds, time_zone, ...others } = properties;
  const known = fc.oneof(
    fc.record({
      cron: fc.constantFrom("0 3 * * *", "*/10 * * * * *"),
      time_zone: fc.constant("Europe/Berlin"),
    }),
    fc.record({ every_seconds: fc.integer({ min: 1, max: MANY }) }),
  );
  const any = { cron: cron ?? {}, every_seconds: every_seconds ?? {}, time_zone: time_zone ?? {} };
  const drawnTimes = fc.record(
    Object.fromEntries(Object.entries(any).map(([name, schema]) => [name, drawn(schema, knowledge)])),
    { requiredKeys: [] },
  );
  const rest = taskOf(others, ["type"], knowledge) as fc.Arbitrary<object>;
  const withTimes = (times: fc.Arbitrary<object>) =>
    fc.tuple(times, rest).map(([given, one]) => ({ ...one, ...given }));
  return fc.oneof(
    { weight: 3, arbitrary: withTimes(known) },
    { weight: 1, arbitrary: withTimes(drawnTimes) },
    { weight: 1, arbitrary: fc.record({ paused: fc.boolean() }) },
  );
}

function bulk(properties: Record<string, Schema>, knowledge: Knowledge): fc.Arbitrary<unknown> {
  const { action: _, filter, scheduled_time, ...flags } = properties;
  const { properties: fields = {} } = knowledge.described.resolve(filter ?? {}) as {
    properties?: Record<string, Schema>;
  };
  const some = Object.entries(fields).map(([name, schema]) => [name, drawn(schema, knowledge)]);
  const more = Object.entries(flags).map(([name, schema]) => [name, drawn(schema, knowledge)]);
  return bulkOf(
    fc.record(Object.fromEntries(some), { requiredKeys: [] }),
    scheduled_time ? drawn(scheduled_time, knowledge) : time(),
    Object.fromEntries(more),
  );
}

/** Few, so that requests meet the same ones. */
const scheduleName = () => fc.constantFrom("nightly", "a/b ü");

/** Other characters are not sent as they are. */
const headerText = () => fc.stringMatching(/^[!-~]{1,40}$/);

const SHORT = 3;
const MANY = 1_000;

/** No zero byte, which Postgres refuses, and no half of a character. */
export const plainText = (minLength = 0) =>
  fc
    .string({ unit: "grapheme", minLength, maxLength: 40 })
    .filter((text) => !text.includes("\0") && text.isWellFormed());

/** Any JSON that Postgres can keep. */
export const plainJson = () =>
  fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      plainText(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: SHORT }),
      fc.dictionary(plainText(), tie("value"), { maxKeys: SHORT }),
    ),
  })).value;

/** In all the forms that are accepted; Postgres knows years from 1 on. */
function time(): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.date({
        min: new Date("0002-01-01T00:00:00Z"),
        max: new Date("9998-01-01T00:00:00Z"),
        noInvalidDate: true,
      }),
      fc.constantFrom("Z", "z", "+01:00", "-0930", "+14:00"),
      fc.constantFrom("T", "t", " "),
      fc.constantFrom("", ".5", ".123456789"),
      fc.boolean(),
    )
    .map(([date, zone, separator, fraction, withSeconds]) => {
      const [day = "", clock = ""] = date.toISOString().slice(0, 19).split("T");
      return `${day}${separator}${withSeconds ? clock + fraction : clock.slice(0, 5)}${zone}`;
    });
}
