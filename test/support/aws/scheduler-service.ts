/**
 * EventBridge Scheduler, as far as a doorbell meets it: CreateSchedule with the checks of the real one, and schedules
 * that come due. It knows one group, and one role that the caller may pass.
 */
import { AwsError } from "./aws-error.ts";
import { type CheckedSchedule, type CreateScheduleInput, checkSchedule } from "./schedule-rules.ts";

export interface SchedulerOptions {
  groupName: string;
  /** The role that Scheduler may assume, and that the caller may pass. */
  roleArn: string;
  now?: () => number;
}

export interface Schedule extends CheckedSchedule {
  name: string;
}

export type SchedulerService = ReturnType<typeof createSchedulerService>;

export function createSchedulerService({ groupName, roleArn, now = Date.now }: SchedulerOptions) {
  const schedules = new Map<string, Schedule>();
  return {
    schedules,
    create(name: string, input: CreateScheduleInput): { ScheduleArn: string } {
      const checked = checkSchedule(name, input, roleArn);
      if (input.GroupName !== groupName)
        throw new AwsError(
          "ResourceNotFoundException",
          `Schedule group ${String(input.GroupName)} does not exist.`,
        );
      const made = { ScheduleArn: `arn:aws:scheduler:us-east-1:123456789012:schedule/${groupName}/${name}` };
      const known = schedules.get(name);
      // A request that comes again because its answer was lost is answered as it was.
      if (known && checked.token !== undefined && known.token === checked.token) return made;
      if (known) throw new AwsError("ConflictException", `Schedule ${name} already exists.`);
      // Whether the real one takes a time that is past is not documented, so nobody may rely on it.
      if (checked.atMs <= now())
        throw new AwsError(
          "ValidationException",
          `Invalid Schedule Expression ${String(input.ScheduleExpression)}.`,
        );
      schedules.set(name, { name, ...checked });
      return made;
    },
    /** Those whose time has come, `lateMs` after it. One that fired is gone, if it was made to go. */
    due(lateMs = 0): Schedule[] {
      const due = [...schedules.values()].filter(({ atMs }) => atMs + lateMs <= now());
      for (const { name, deleted } of due) if (deleted) schedules.delete(name);
      return due;
    },
  };
}
