export { type Api, type AppDeps, createApp } from "./app.ts";
export { openApi } from "./openapi.ts";
export { operations } from "./operations.ts";
