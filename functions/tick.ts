import type { Context } from "aws-lambda";
import { runtime } from "#aws";
import type { TickEvent } from "#core";
import { definitions } from "./definitions.ts";
import { encryptionKeys, handlers, postgres, redis } from "./secrets.ts";

/** Runs what is due. Called by the doorbell: a schedule, a ring of the API, or a tick that had to end. */
export async function handler(event: TickEvent, context: Context) {
  const { worker } = await runtime(definitions, postgres, redis, handlers, encryptionKeys);
  return worker.tick({
    requestId: context.awsRequestId,
    ...event,
    timeLeftMs: context.getRemainingTimeInMillis(),
  });
}
