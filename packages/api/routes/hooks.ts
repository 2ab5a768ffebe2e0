import { Hono } from "hono";
import { type HookEvent, type Hooks, type Operator, TickworkError } from "#core";
import { mustBe, refusal } from "../../core/errors.ts";
import { HOOK_EVENTS, TASKS } from "../../core/tasks/hooks.ts";
import { idOf, json } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { HookSchema } from "../schemas/schemas.ts";

/** Changes that were made elsewhere: to tasks, and to whatever collections extensions listen to. */
export function hookRoutes(operator: Operator, hooks: Hooks) {
  return new Hono().post(op.hook.path, json(HookSchema), async (c) => {
    const { collection, event } = c.req.param();
    if (!isHookEvent(event))
      throw new TickworkError(
        "unknown_event",
        `The event ${mustBe(`one of ${HOOK_EVENTS.join(", ")}`, event)}.`,
      );
    const context = c.req.valid("json");
    if (collection === TASKS) {
      const id = idOf(context.data.id);
      if (id === undefined) throw refusal("data.id", mustBe("the id of a task", context.data.id));
      await operator.notifyChanged([id]);
    }
    return c.json(await hooks.fire(event, { ...context, collection }));
  });
}

function isHookEvent(event: string): event is HookEvent {
  return HOOK_EVENTS.some((known) => known === event);
}
