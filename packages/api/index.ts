export { type Api, type AppDeps, createApp } from "./app.ts";
export { errorBody } from "./errors.ts";
export { answerEvent } from "./lambda.ts";
export { openApi } from "./openapi.ts";
export { operations } from "./operations.ts";
