export { noteLog } from "../../../packages/testing/noted-log.ts";
