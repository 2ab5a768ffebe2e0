/**
 * Baasix (baasix.com) is a backend on Postgres whose TasksService keeps background tasks in the table `baasix_Tasks`: a
 * list of those that wait, one global "a task is running", and nothing that runs them. Extensions written for it import
 * that service, Baasix's hooks, its Sequelize models and its cache. This room gives them the same on Tickwork, so that
 * they run unchanged but for their import lines.
 */
export { type CompatCache, getCache } from "./cache.ts";
export type { TaskInstance, TaskRow } from "./instance.ts";
export { TasksModel } from "./model.ts";
export { Op } from "./operators.ts";
export type { FindOptions } from "./options.ts";
export { getSequelize } from "./sequelize.ts";
export { hooksService, type TasksService, tasksService } from "./services.ts";
export { useTickwork } from "./tickwork.ts";
export type { TaskValues } from "./values.ts";
export type { Where, WhereObject } from "./where.ts";
