export { type Connection, connect } from "./connect.ts";
export type { ConnectOptions } from "./options.ts";
export { type ResultOptions, ResultTimeoutError } from "./result.ts";
