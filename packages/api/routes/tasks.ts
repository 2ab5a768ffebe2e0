import { Hono } from "hono";
import type { Tasks } from "#core";
import { answerable } from "../answer.ts";
import { cursorOfPlace } from "../cursors.ts";
import { actorOf, by } from "../guard.ts";
import { header, query, taskId, uncheckedJson } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { refuseRedacted, toldTo } from "../redaction.ts";
import { ListQuerySchema } from "../schemas/query-schemas.ts";
import { NewTasksSchema, TaskChangesSchema } from "../schemas/schemas.ts";

/** Creates, finds and changes tasks. */
export function taskRoutes(tasks: Tasks) {
  return new Hono()
    .post(op.createTasks.path, uncheckedJson(NewTasksSchema), async (c) => {
      const body = c.req.valid("json");
      const idempotencyKey = header(c, "Idempotency-Key");
      const many = Array.isArray(body);
      const made = await tasks.create(many ? body : [body], { idempotencyKey, ...by(c) });
      const told = answerable(made.map((task) => toldTo(c, task)));
      const isNew = made.some(({ unique_outcome = "created" }) => unique_outcome === "created");
      const { answer, otherwise } = op.createTasks;
      return c.json(many ? told : told[0], isNew ? answer.status : otherwise.status);
    })
    .get(op.listTasks.path, query(ListQuerySchema), async (c) => {
      const { cursor, ...filter } = c.req.valid("query");
      const page = await tasks.page({ ...filter, ...(cursor && { after: cursor.place }) });
      return c.json({
        tasks: page.tasks.map((task) => toldTo(c, task)),
        next_cursor: page.next ? cursorOfPlace(filter.sort, page.next) : null,
      });
    })
    .get(op.getTask.path, async (c) => c.json(toldTo(c, await tasks.get(taskId(c.req.param("id"))))))
    .patch(op.changeTask.path, uncheckedJson(TaskChangesSchema), async (c) => {
      const changes = c.req.valid("json");
      refuseRedacted(c, changes);
      return c.json(toldTo(c, await tasks.update(taskId(c.req.param("id")), changes, by(c))));
    })
    .delete(op.deleteTask.path, async (c) => {
      await tasks.remove(taskId(c.req.param("id")), actorOf(c));
      return c.body(null, op.deleteTask.answer.status);
    })
    .post(op.retryTask.path, async (c) =>
      c.json(toldTo(c, await tasks.retry(taskId(c.req.param("id")), by(c)))),
    )
    .post(op.cancelTask.path, async (c) => {
      const task = await tasks.cancel(taskId(c.req.param("id")), by(c));
      return c.json(toldTo(c, task), task.task_status === "Running" ? 202 : 200);
    });
}
