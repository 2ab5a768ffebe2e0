import type { Context } from "aws-lambda";
import { postgresOnly } from "#aws";
import { migrate } from "#core";
import { postgres } from "./secrets.ts";

/** Brings the schema up to date. The deployment calls it before new code serves, and fails if it throws. */
export async function handler(_event: unknown, context: Context) {
  const { database, log, close } = await postgresOnly(postgres);
  const timeLeftMs = () => context.getRemainingTimeInMillis();
  try {
    return { applied: await migrate(database, log, { timeLeftMs }) };
  } finally {
    await close();
  }
}
