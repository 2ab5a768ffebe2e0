export { openEmbeddedPostgres, postgresFolder } from "./embedded-postgres.ts";
export { lockFolder } from "./folder-lock.ts";
export { createHumanLog } from "./human-log.ts";
export { type Server, startServer } from "./server.ts";
export { createTimerDoorbell, type TimerDoorbell } from "./timers.ts";
