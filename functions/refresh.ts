import type { Context } from "aws-lambda";
import { runtime } from "#aws";
import { definitions } from "./definitions.ts";
import { encryptionKeys, postgres, redis } from "./secrets.ts";

/** Rebuilds the cache from Postgres and rings for what is due soon. Called every TASK_LIST_REFRESH_INTERVAL. */
export async function handler(_event: unknown, context: Context) {
  const { worker } = await runtime(definitions, postgres, redis, encryptionKeys);
  return worker.refresh({ requestId: context.awsRequestId });
}
