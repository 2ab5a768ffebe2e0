/** Tasks that should have gone on. */
import type { TaskState } from "../../core/store/diagnose.ts";
import { type Finding, note, ok, problem } from "./finding.ts";

/** Ids that a line names. */
const NAMED = 5;

export function checkStuck({ stuck, foreign }: Pick<TaskState, "stuck" | "foreign">): Finding {
  const check = "running tasks";
  if (stuck.length > 0) {
    const ids = stuck.slice(0, NAMED).map(({ id, type }) => `${id} (${type})`);
    const more = stuck.length > NAMED ? ", …" : "";
    return problem(
      check,
      `the worker of ${counted(stuck.length, "task")} died, and nobody took over: ${ids.join(", ")}${more}`,
      "start a server that has these types, and it takes over; POST /tasks/reset-stuck ends them in Error instead",
    );
  }
  if (foreign > 0)
    return note(
      check,
      `another program runs ${counted(foreign, "task")}, and each takes the place of one of Tickwork's`,
      "if that program is gone: npx tickwork cancel <id>",
    );
  return ok(check, "none is stuck");
}

/** @param types that somebody here runs, as far as that is known */
export function checkDue({ due }: Pick<TaskState, "due">, types: readonly string[] | undefined): Finding[] {
  const check = "waiting tasks";
  const overdue = due.filter((one) => one.overdue);
  const unknown = types ? overdue.filter(({ type }) => !types.includes(type)) : [];
  const late = overdue.filter((one) => !unknown.includes(one));
  const findings = [
    ...(unknown.length > 0
      ? [
          problem(
            check,
            `nobody here runs ${listed(unknown)}`,
            "export these types from your tasks file, or `foreignTask` where another program runs them",
          ),
        ]
      : []),
    ...(late.length > 0
      ? [
          problem(
            check,
            `nothing starts ${listed(late)}, due since ${late[0]?.since}`,
            "start a server (`npx tickwork start`); where one runs, look into its log, and whether `npx tickwork stats` says that a task runs",
          ),
        ]
      : []),
  ];
  return findings.length > 0 ? findings : [ok(check, "none is overdue")];
}

const counted = (count: number, name: string) => `${count} ${name}${count === 1 ? "" : "s"}`;
const listed = (some: TaskState["due"]) =>
  some.map(({ type, count }) => `${counted(count, "task")} of type ${type}`).join(", ");
