/** `tickwork/compat/services/TasksService`: as extensions import Baasix's own. */
export { tasksService as default } from "../services.ts";
