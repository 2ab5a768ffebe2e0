/** `tickwork/local`: Tickwork on one machine. */
export { createHumanLog } from "./human-log.ts";
export { type Server, type ServerOptions, startServer } from "./server.ts";
