import { Hono } from "hono";
import type { Schedules } from "#core";
import type { Access } from "../../core/access/access.ts";
import { actorOf, by } from "../guard.ts";
import { query, uncheckedJson } from "../input.ts";
import { operations as op } from "../operations/operations.ts";
import { refuseRedacted, toldTo } from "../redaction.ts";
import {
  cursorAfterName,
  ScheduleListQuerySchema,
  SchedulePutSchema,
  ScheduleTimesQuerySchema,
} from "../schemas/schedule-schemas.ts";

/** Recurring tasks. */
export function scheduleRoutes(schedules: Schedules, access: Pick<Access, "note">) {
  return new Hono()
    .get(op.listSchedules.path, query(ScheduleListQuerySchema), async (c) => {
      const { name, limit, cursor: after } = c.req.valid("query");
      const { schedules: page, more } = await schedules.list({ name, limit, after });
      const last = page.at(-1);
      return c.json({
        schedules: page.map((schedule) => toldTo(c, schedule)),
        next_cursor: more && last ? cursorAfterName(last.name) : null,
      });
    })
    .get(op.scheduleTimes.path, query(ScheduleTimesQuerySchema), async (c) =>
      c.json({ next_times: await schedules.times(c.req.valid("query")) }),
    )
    .get(op.getSchedule.path, async (c) => c.json(toldTo(c, await schedules.get(c.req.param("name")))))
    .put(op.putSchedule.path, uncheckedJson(SchedulePutSchema), async (c) => {
      const changes = c.req.valid("json");
      refuseRedacted(c, changes);
      const actor = actorOf(c);
      const name = c.req.param("name");
      const changed = await schedules.put(name, changes);
      await access.note("schedule_changed", name, actor);
      return c.json(toldTo(c, changed));
    })
    .delete(op.deleteSchedule.path, async (c) => {
      const actor = actorOf(c);
      const name = c.req.param("name");
      await schedules.remove(name);
      await access.note("schedule_deleted", name, actor);
      return c.body(null, op.deleteSchedule.answer.status);
    })
    .post(op.runSchedule.path, async (c) =>
      c.json(toldTo(c, await schedules.run(c.req.param("name"), by(c))), op.runSchedule.answer.status),
    );
}
