import { postgresOnly } from "#aws";
import { migrate } from "#core";
import { postgres } from "./secrets.ts";

/** Brings the schema up to date. The deployment calls it before new code serves, and fails if it throws. */
export async function handler() {
  const { database, log } = await postgresOnly(postgres);
  return { applied: await migrate(database, log) };
}
