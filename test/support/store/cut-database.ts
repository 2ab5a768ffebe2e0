import type { Database } from "#core";

/** How a migrator dies, if a test says so. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** When it dies: before a request is sent, while Postgres is at work on it, or when its answer is there. */
export type Moment = "before" | "during" | "after";

/**
 * The Postgres of a migrator that dies at a request.
 *
 * @param dies told of each request and its number, from 1
 */
export function cutDatabase(
  database: Database,
  moment: Moment,
  dies: (text: string, nth: number) => boolean,
): Database {
  let nth = 0;
  const cut = async <T>(text: string, send: () => Promise<T>): Promise<T> => {
    if (!dies(text, ++nth)) return send();
    const answered = moment === "before" ? undefined : send().catch(() => {});
    if (moment === "after") await answered;
    throw new Killed();
  };
  return {
    query: (statement, options) => cut(statement.text, () => database.query(statement, options)),
    transaction: (statements, options) =>
      cut(statements.map(({ text }) => text).join(";\n"), () => database.transaction(statements, options)),
  };
}
