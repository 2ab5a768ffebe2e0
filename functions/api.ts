import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { type Api, createApp } from "#api";
import { runtime } from "#aws";
import { answerEvent } from "../packages/api/lambda.ts";
import { definitions } from "./definitions.ts";
import { apiKey, encryptionKeys, postgres, redis } from "./secrets.ts";

let app: Api | undefined;

/** Answers HTTP. */
export async function handler(event: APIGatewayProxyEventV2, context: Context) {
  app ??= createApp(await runtime(definitions, postgres, redis, encryptionKeys, apiKey));
  return answerEvent(app, event, context);
}
