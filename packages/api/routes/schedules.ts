import { Hono } from "hono";
import type { Schedules } from "#core";
import { by, query, uncheckedJson } from "../input.ts";
import { operations as op } from "../operations.ts";
import { cursorAfterName, ScheduleListQuerySchema, SchedulePutSchema } from "../schedule-schemas.ts";

/** Recurring tasks. */
export function scheduleRoutes(schedules: Schedules) {
  return new Hono()
    .get(op.listSchedules.path, query(ScheduleListQuerySchema), async (c) => {
      const { limit, cursor: after } = c.req.valid("query");
      const { schedules: page, more } = await schedules.list({ limit, after });
      const last = page.at(-1);
      return c.json({ schedules: page, next_cursor: more && last ? cursorAfterName(last.name) : null });
    })
    .get(op.getSchedule.path, async (c) => c.json(await schedules.get(c.req.param("name"))))
    .put(op.putSchedule.path, uncheckedJson(SchedulePutSchema), async (c) =>
      c.json(await schedules.put(c.req.param("name"), c.req.valid("json"))),
    )
    .delete(op.deleteSchedule.path, async (c) => {
      await schedules.remove(c.req.param("name"));
      return c.body(null, op.deleteSchedule.answer.status);
    })
    .post(op.runSchedule.path, async (c) =>
      c.json(await schedules.run(c.req.param("name"), by(c)), op.runSchedule.answer.status),
    );
}
