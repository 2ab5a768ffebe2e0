import * as tasks from "#tasks";
import { definitionsOf } from "../packages/core/tasks/definitions-of.ts";

/** What the functions of a deployment run: the tasks of its app, see `infra/bundling.ts`. */
export const definitions = definitionsOf(tasks, "the module given as `tasks`");
