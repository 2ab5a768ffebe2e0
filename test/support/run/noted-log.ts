export { type NotedLine, noteLog } from "../../../packages/testing/noted-log.ts";
