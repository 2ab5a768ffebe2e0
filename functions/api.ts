import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { type Api, answerEvent, createApp } from "#api";
import { runtime } from "#aws";
import { definitions } from "#tasks";
import { apiKey, postgres, redis } from "./secrets.ts";

let app: Api | undefined;

/** Answers HTTP. */
export async function handler(event: APIGatewayProxyEventV2, context: Context) {
  app ??= createApp(runtime(definitions, postgres, redis, apiKey));
  return answerEvent(app, event, context);
}
