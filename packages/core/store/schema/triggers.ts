/** What keeps a row consistent, whoever writes it. Migrations create the triggers. */
import { CANCELLED, FOREIGN_LEASE } from "../fragments.ts";
import { asOwner, LANE_AFTER_UPDATE } from "./lanes-tables.ts";

/** Statements for the row `new`. */
const MEND = `
        if tg_op = 'UPDATE' then
          new.rev := old.rev + 1;
        else
          new.rev := greatest(coalesce(new.rev, 0), 0) + 1;
        end if;
        if new.task_status = 'Running' then
          -- Tickwork sets a token. A program that sets none knows nothing of leases. It has no slot either, so that it
          -- never collides with a task that Tickwork runs.
          if new.lease_token is null and (tg_op = 'INSERT' or old.task_status <> 'Running' or new.lease_expires_at is null) then
            new.lease_expires_at := now() + ${FOREIGN_LEASE};
            new.started_at := now();
            new.finished_at := null;
            new.attempts := new.attempts + 1;
          end if;
        else
          -- However the attempt ended that was to stop, and whoever ended it: there is no next one.
          if tg_op = 'UPDATE' and old.task_status = 'Running' and old.cancel_requested and new.task_status = 'Not started' then
            new.task_status := 'Error';
            new.error_data := ${CANCELLED("new.attempts")};
          end if;
          new.slot := null;
          new.lease_token := null;
          new.lease_expires_at := null;
          new.cancel_requested := false;
          if new.task_status = 'Not started' then
            new.scheduled_time := coalesce(new.scheduled_time, now());
            new.finished_at := null;
          elsif tg_op = 'INSERT' or old.task_status is distinct from new.task_status then
            new.finished_at := now();
          end if;
        end if;`;

/** What the triggers call. A step that changes it replaces it; on a new table it is as new from the start. */
export const BEFORE_WRITE = `create or replace function tickwork_before_write() returns trigger language plpgsql as $trigger$
      begin${MEND}
        return new;
      end $trigger$;`;

/**
 * The same for updates, and lanes. It is one trigger, for Postgres reads and compiles the condition of each anew in
 * each statement that updates tasks. The statements that run a task increase rev and keep the row consistent
 * themselves: calling this function for each of them would cost a fifth of their time. None of them has a laned task
 * wait.
 */
export const BEFORE_UPDATE = `
      ${asOwner(
        "tickwork_before_update",
        `${MEND}
          if new.task_status = 'Not started' and (new.lane is not null or new.queue is not null
            or new.concurrency_key is not null or new.priority is not null) then${LANE_AFTER_UPDATE}
          end if;`,
      )}
      drop trigger if exists tickwork_lane_update on "baasix_Tasks";
      drop trigger if exists tickwork_before_update on "baasix_Tasks";
      create trigger tickwork_before_update before update on "baasix_Tasks"
        for each row when (new.rev = old.rev) execute function tickwork_before_update();`;

/** A waiting row as the function would leave it. To call it for each of many new rows costs a third of their time. */
export const AS_NEW = `new.rev = 1 and new.task_status = 'Not started' and new.scheduled_time is not null
  and new.slot is null and new.lease_token is null and new.lease_expires_at is null
  and not new.cancel_requested and new.finished_at is null`;
