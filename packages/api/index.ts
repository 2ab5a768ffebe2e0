export { type Api, type AppDeps, createApp } from "./app.ts";
export { answerEvent } from "./lambda.ts";
export type { RequestEnv } from "./log.ts";
export { openApi } from "./openapi.ts";
export { operations } from "./operations.ts";
