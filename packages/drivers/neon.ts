/** Neon over HTTP: a request a call, no connection to keep. What functions use. */
import { neon } from "@neondatabase/serverless";
import type { PostgresDriver, Statement } from "#core";

/**
 * A Neon database by its address. Nothing is asked before the first query.
 *
 * @example const driver = openNeon("postgresql://user:password@ep-name.eu-central-1.aws.neon.tech/shop");
 */
export function openNeon(databaseUrl: string): PostgresDriver {
  const sql = neon(databaseUrl);
  const queryOf = ({ text, params = [] }: Statement) => sql.query(text, [...params]);
  return {
    query: ({ text, params = [] }, signal) => sql.query(text, [...params], { fetchOptions: { signal } }),
    transaction: (statements, signal) =>
      sql.transaction(statements.map(queryOf), { fetchOptions: { signal } }) as Promise<unknown[][]>,
    close: async () => {},
  };
}
