/** Much of everything. */
import { type Attack, cleanup, deep, expects, get, KB, post, request } from "./attack.ts";

export const sizeAttacks: readonly Attack[] = [
  post("a body of 5 MiB and a byte", cleanup({ attachment_id: "x".repeat(5 * KB * KB) }), 413),
  post("a body of more than 6 MiB", cleanup({ attachment_id: "x".repeat(6 * KB * KB) }), 413),
  post("131,000 wrong elements", `[${`{"a":"${"x".repeat(30)}"},`.repeat(131_000)}1]`, 413),
  post("1,700,000 empty objects", `[${"{},".repeat(1_700_000)}{}]`, 400, 413),
  post("2,400,000 arrays", `[${`${deep(18)},`.repeat(131_000)}1]`, 400, 413),
  post("2,600,000 numbers", `[${"1,".repeat(2_600_000)}1]`, 413),
  post("task_data of 1,700,000 empty objects", request(`[${"{},".repeat(1_700_000)}{}]`), 400, 413),
  post("task_data of 2,600,000 numbers", request(`[${"1,".repeat(2_600_000)}1]`), 413),
  post("1,000 wrong elements", `[${"1,".repeat(999)}1]`, 422),
  post("1,000 tasks with 50 unknown fields each", JSON.stringify(Array(1_000).fill(manyFields(50))), 422),
  post("a task with 90,000 unknown fields", JSON.stringify(manyFields(90_000)), 422),
  post("a task with 200,000 unknown fields", JSON.stringify(manyFields(200_000)), 400),
  post("1,000 tasks of 3.65 KB", JSON.stringify(Array(1_000).fill(sized(3_650))), 201),
  post("a task of 256 KB", JSON.stringify(sized(255 * KB)), 201),
  post("19 tasks of 256 KB", JSON.stringify(Array(19).fill(sized(255 * KB))), 201),
  async (attacker) => {
    await attacker.target.sql(fill(50, 200 * KB, "'1 day'"));
    await get("50 tasks of 200 KB", "/tasks?limit=200", 200)(attacker);
    await get(
      "the pages of large tasks",
      "/tasks?limit=200&status=Not%20started&type=cleanup",
      200,
    )(attacker);
  },
  async (attacker) => {
    await attacker.target.sql(fill(1_500, 3_600, "'1 hour'"));
    await expects(
      "a refresh of 1,500 tasks of 3.6 KB",
      { method: "POST", target: "/tasks/refresh" },
      200,
    )(attacker);
    await get("1,500 waiting tasks of 3.6 KB", "/tasks/not-started", 200)(attacker);
  },
  async (attacker) => {
    await attacker.target.sql(`update "baasix_Tasks" set task_status = 'Completed'`);
    await attacker.target.sql(
      fill(40, 200 * KB, "'1 day'", `'Running', n + 5, 't', now() + interval '1 hour'`),
    );
    await expects(
      "a reset of 40 large tasks",
      { method: "POST", target: "/tasks/reset-stuck" },
      200,
    )(attacker);
  },
];

function manyFields(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`field${n}`, 1]));
}

/** A task with so many bytes of data. */
function sized(bytes: number): object {
  const data = { url: "http://127.0.0.1:9/", method: "POST", body: "" };
  return {
    type: "http_request",
    scheduled_time: "2999-01-01T00:00:00Z",
    task_data: { ...data, body: "x".repeat(bytes - JSON.stringify(data).length) },
  };
}

/** SQL that makes so many tasks. */
function fill(count: number, bytes: number, due: string, state = `'Not started', null, null, null`): string {
  return `insert into "baasix_Tasks" (type, scheduled_time, task_data, task_status, slot, lease_token, lease_expires_at)
    select 'cleanup', now() + interval ${due}, json_build_object('x', repeat('x', ${bytes})), ${state}
    from generate_series(1, ${count}) n`;
}
