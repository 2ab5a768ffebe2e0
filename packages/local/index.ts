/** `tickwork/local`: Tickwork on one machine. */
export type { LoadModule } from "./extensions.ts";
export { createHumanLog } from "./human-log.ts";
export { type Server, type ServerOptions, startServer } from "./server.ts";
