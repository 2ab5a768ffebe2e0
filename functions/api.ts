import type { Context } from "aws-lambda";
import { handle, type LambdaEvent } from "hono/aws-lambda";
import { createApp } from "#api";
import { runtime } from "#aws";
import { definitions } from "#tasks";
import { apiKey, postgres, redis } from "./secrets.ts";

let serving: ReturnType<typeof handle> | undefined;

/** Answers HTTP. */
export async function handler(event: LambdaEvent, context: Context) {
  serving ??= handle(createApp(runtime(definitions, postgres, redis, apiKey)));
  return serving(event, context);
}
