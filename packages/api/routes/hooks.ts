import { Hono } from "hono";
import { errors, HOOK_EVENTS, type HookEvent, type Hooks, quote, TASKS, type TasksService } from "#core";
import { json } from "../input.ts";
import { operations as op } from "../operations.ts";
import { HookSchema } from "../schemas.ts";

/** Changes that others made, of tasks and of whatever extensions listen to. */
export function hookRoutes(tasks: TasksService, hooks: Hooks) {
  return new Hono().post(op.hook.path, json(HookSchema), async (c) => {
    const { collection, event } = c.req.param();
    if (!isHookEvent(event))
      throw errors.notFound(
        "unknown_event",
        `${quote(event)} is not an event; these are: ${HOOK_EVENTS.join(", ")}.`,
      );
    const context = c.req.valid("json");
    if (collection === TASKS) {
      const id = Number(context.data.id);
      if (!Number.isSafeInteger(id) || id < 1)
        throw errors.invalid([
          { path: "data.id", message: `${quote(context.data.id)} is not accepted; the id of the task is` },
        ]);
      await tasks.changed([id]);
    }
    return c.json(await hooks.fire(event, { ...context, collection }));
  });
}

function isHookEvent(event: string): event is HookEvent {
  return HOOK_EVENTS.some((known) => known === event);
}
