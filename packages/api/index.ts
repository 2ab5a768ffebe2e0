/** `tickwork/api`: the HTTP API, for those who serve it themselves. */
export { type Api, type AppDeps, createApp } from "./app.ts";
export type { RequestEnv } from "./log.ts";
export { openApi } from "./openapi/openapi.ts";
