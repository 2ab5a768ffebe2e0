import type { Statement } from "./database.ts";

/** What a parameter may be. Postgres's text for an array, or JSON, is a string. */
export type Value = string | number | boolean | null;

/** `:name`, but neither `::type` nor a colon inside of a literal such as `'HH24:MI'` or `'slot:'`. */
const NAME = /(?<![:\w]):([a-z][a-z_]*)/g;

/**
 * A statement with named parameters. The names are numbered once, here; each call gives the values by name, and the
 * compiler refuses a name that is missing or too many.
 *
 * @throws TypeError, when it is called, if the names of the text and of the values differ
 * @example
 * const GET = statement<{ id: number }>(`select * from "baasix_Tasks" where id = :id::bigint`);
 * GET({ id: 7 }); // { text: `select * from "baasix_Tasks" where id = $1::bigint`, params: [7] }
 */
export function statement<Values extends Record<string, Value> = Record<never, Value>>(
  sql: string,
): (values: Values) => Statement {
  const names: string[] = [];
  const text = onOneLine(sql).replace(NAME, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return (values) => {
    const params = names.map((name) => {
      const value = values[name];
      if (value === undefined) throw new TypeError(`:${name} of the statement must have a value, got none`);
      return value;
    });
    const surplus = Object.keys(values).filter((name) => !names.includes(name));
    if (surplus.length > 0)
      throw new TypeError(
        `the statement takes ${names.join(", ") || "no parameters"}, got ${surplus.join(", ")} too`,
      );
    return { text, params };
  };
}

/** Without the indentation, which would travel with every request. No literal in our SQL has two spaces. */
function onOneLine(sql: string): string {
  return sql.replace(/\s+/g, " ").trim();
}

/** Postgres's text for an array of ids: drivers that speak HTTP send parameters as text. */
export function idArray(ids: readonly number[]): string {
  return `{${ids.join(",")}}`;
}

/** Postgres's text for an array of texts. */
export function textArray(texts: readonly string[]): string {
  return `{${texts.map((text) => JSON.stringify(text)).join(",")}}`;
}

/** JSON for a parameter; null for what is absent. */
export function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
