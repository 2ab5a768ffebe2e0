import type { Database, Statement } from "./database.ts";

/** What a value of each of Postgres's types is here; null and undefined as JSON become SQL's null. */
type ParamTypes = Record<"bigint" | "int" | "real" | "float8", number> &
  Record<"json" | "jsonb", unknown> & {
    text: string;
    boolean: boolean;
    "bigint[]": readonly number[];
    "float8[]": readonly number[];
    "text[]": readonly string[];
    /** No cast: it takes the type of the column that it meets, which may differ in a table that Baasix made. */
    column: string | number | Date;
  };

type ParamType = keyof ParamTypes;

/** The parameters of a statement by name, in the order of their numbers. One with `?` may be null. */
export type Params = Record<string, ParamType | `${ParamType}?`>;

type Values<P extends Params> = {
  [Name in keyof P]: P[Name] extends `${infer Type extends ParamType}?`
    ? ParamTypes[Type] | null
    : ParamTypes[P[Name] & ParamType];
};

/** Quoted text and the colons of a cast, to be passed over; or a name. */
export const NAMES = /'[^']*'|"[^"]*"|::|:([a-z]\w*)/gi;

/**
 * A statement with named parameters, also in the fragments that it is made of. Its text is numbered here, once. It
 * travels on one line: no comment belongs in it, and no literal with a line break or two spaces.
 *
 * `now()` in a statement is Postgres's own clock: no lease is born expired because two clocks disagree. Tests put
 * another in its place (`withClock`).
 *
 * @param params each name with its type, to which it is cast
 * @returns a function that makes a request of values
 * @throws Error when a name is not in `params`, or not in the text
 * @example
 * const RENAME = statement({ id: "bigint", name: "text?" })`update people set name = :name where id = :id`;
 * RENAME({ id: 7, name: null });
 * // { text: "update people set name = $2::text where id = $1::bigint", params: [7, null] }
 */
export function statement<const P extends Params>(params: P) {
  const names = Object.keys(params);
  const types = Object.values(params).map((type) => type.replace("?", "") as ParamType);
  return (parts: TemplateStringsArray, ...fragments: string[]) => {
    const sql = String.raw({ raw: parts }, ...fragments)
      .replace(/\s+/g, " ")
      .trim();
    const unused = new Set(names);
    const text = sql.replace(NAMES, (found, name?: string) => {
      if (name === undefined) return found;
      const index = names.indexOf(name);
      if (index < 0) throw new Error(`:${name} must be one of ${names.join(", ") || "no names"}, in ${sql}`);
      unused.delete(name);
      return types[index] === "column" ? `$${index + 1}` : `$${index + 1}::${types[index]}`;
    });
    if (unused.size > 0) throw new Error(`${[...unused].join(", ")} must be used, in ${sql}`);
    return (values: Values<P>): Statement => ({
      text,
      params: names.map((name, index) => encode(types[index], values[name])),
    });
  };
}

/** As Postgres reads it: the HTTP driver sends every parameter as text. */
function encode(type: ParamType | undefined, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (type === "json" || type === "jsonb") return JSON.stringify(value);
  if (type === "bigint[]" || type === "float8[]") return `{${(value as number[]).join(",")}}`;
  if (type === "text[]") return encodedOnce(value as readonly string[]);
  return value;
}

const encoded = new WeakMap<readonly string[], string>();

/** The types of a deployment go with each claim, in a list that does not change. */
function encodedOnce(texts: readonly string[]): string {
  let text = encoded.get(texts);
  if (text === undefined) {
    text = `{${texts.map(quoted).join(",")}}`;
    encoded.set(texts, text);
  }
  return text;
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;

/** For a text that depends on what is asked: each variant is put together and numbered once. */
export function variants<Keys extends readonly unknown[], Variant>(make: (...keys: Keys) => Variant) {
  const made = new Map<string, Variant>();
  return (...keys: Keys): Variant => {
    const key = keys.join();
    const variant = made.get(key) ?? make(...keys);
    made.set(key, variant);
    return variant;
  };
}

/** For a statement that may safely run twice: it is repeated after a transient failure. */
export function queryRepeatable<Row>(database: Database, request: Statement): Promise<Row[]> {
  return database.query<Row>(request, { repeatable: true });
}

/** The same Postgres with another clock: `now`, an SQL expression, takes the place of `now()` in every statement. */
export function withClock(database: Database, now: string): Database {
  const timed = (request: Statement) => ({ ...request, text: request.text.replaceAll("now()", () => now) });
  return {
    query: (request, options) => database.query(timed(request), options),
    transaction: (requests, options) => database.transaction(requests.map(timed), options),
  };
}
