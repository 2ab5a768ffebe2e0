/** What has hurt servers before, one by one. Each is sent as a client could; `raw-attacks.ts` has what none would. */
import type { Attacker } from "./assault.ts";
import type { HttpRequest } from "./requests.ts";

export type Attack = (attacker: Attacker) => Promise<void>;

interface Sent extends Partial<Omit<HttpRequest, "name">> {
  method: string;
  target: string;
  /** Beside the key, unless there is another `authorization`. */
  headers?: [name: string, value: string][];
}

const requestOf = (name: string, { headers = [], ...sent }: Sent, key: string): HttpRequest => ({
  name,
  ...sent,
  headers: headers.some(([header]) => header.toLowerCase() === "authorization")
    ? headers
    : [["authorization", `Bearer ${key}`], ...headers],
});

/** One request that must be answered with one of these statuses. */
const expects =
  (name: string, sent: Sent, ...statuses: number[]): Attack =>
  async ({ key, send, note }) => {
    const answer = await send(requestOf(name, sent, key));
    if (answer && !statuses.includes(answer.status))
      note(
        `${name}: answered ${answer.status}, not ${statuses.join(" or ")}: ${answer.text.slice(0, 200)}`,
        name,
      );
  };

const post = (name: string, body: string | Buffer, ...statuses: number[]) =>
  expects(name, { method: "POST", target: "/tasks", body }, ...statuses);
const get = (name: string, target: string, ...statuses: number[]) =>
  expects(name, { method: "GET", target }, ...statuses);
const hook = (id: string, ...statuses: number[]) =>
  expects(
    `a hook for the id ${id.slice(0, 20)}`,
    { method: "POST", target: "/hooks/baasix_Tasks/items.update.after", body: `{"data":{"id":${id}}}` },
    ...statuses,
  );

const CLEANUP = { type: "cleanup", task_data: { older_than_days: 1 } };
const cleanup = (more: object) => JSON.stringify({ ...CLEANUP, ...more });
const request = (body: string) =>
  `{"type":"http_request","task_data":{"url":"http://127.0.0.1:9/","method":"POST","body":${body}}}`;
const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const SQL = `'; drop table "baasix_Tasks"; --`;
const KB = 1_024;

const names: Attack[] = ["toString", "__proto__", "constructor", "hasOwnProperty"].flatMap((name) => [
  post(`the type ${name}`, `{"type":"${name}"}`, 422),
  post(`the field ${name}`, `{"type":"cleanup","task_data":{"older_than_days":1},"${name}":1}`, 422),
  post(`task_data with ${name}`, `{"type":"cleanup","task_data":{"older_than_days":1,"${name}":1}}`, 422),
  post(`a type that is an object with ${name}`, `{"type":{"${name}":1}}`, 422),
  post(`only ${name}`, `{"${name}":${cleanup({})}}`, 422),
  expects(
    `the flag with ${name}`,
    { method: "PUT", target: "/tasks/running", body: `{"isRunning":{"${name}":1}}` },
    422,
  ),
  hook(`{"${name}":1}`, 422),
  get(`the parameter ${name}`, `/tasks?${name}=1`, 422),
  get(`the id ${name}`, `/tasks/${name}`, 404),
]);

const depths: Attack[] = [
  post("arrays 10,000 deep", deep(10_000), 422),
  post("arrays 100,000 deep", deep(100_000), 400, 422),
  post("arrays a million deep", deep(1_000_000), 400, 422),
  post("objects 10,000 deep", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, 422),
  post("task_data 5,000 deep", request(deep(5_000)), 201, 422),
  post("task_data 100,000 deep", request(deep(100_000)), 201, 413, 422),
  post("an array of task_data 5,000 deep", `[${request(deep(5_000))},${request(deep(5_000))}]`, 201, 422),
];

const ids: Attack[] = [
  ...["-1", "0", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1e3", "1%20or%201=1"],
  ...[
    "%D9%A1",
    "%EF%BC%91",
    "%00",
    "1%00",
    "01",
    "+1",
    "1.0",
    "0x1",
    "NaN",
    "%zz",
    "%",
    "%ff",
    "%2e%2e",
    "1;2",
  ],
  encodeURIComponent(SQL),
].map((id) => get(`the id ${id}`, `/tasks/${id}`, 400, 404));

const hooks: Attack[] = [
  ...[
    "{}",
    "[]",
    "[1]",
    "[[7]]",
    '{"valueOf":1,"toString":1}',
    "null",
    "true",
    '""',
    '"x"',
    "-1",
    "0",
    "1.5",
  ],
  ...["9223372036854775808", "1e999", '"1e3x"', deep(1_000)],
].map((id) => hook(id, 422));

const texts: Attack[] = [
  post("NUL in a text", request('"a\\u0000b"'), 201, 422),
  post("NUL in a batch", `[${cleanup({})},${request('"\\u0000"')}]`, 201, 422),
  post("NUL in a name", request('{"\\u0000":1}'), 201, 422),
  post("half a character in a batch", `[${cleanup({})},${request('"\\ud800"')}]`, 201, 422),
  post("NUL as attachment", cleanup({ attachment_id: "a\0b" }), 422),
  post("half a character as attachment", cleanup({ attachment_id: "\ud800" }), 201, 422),
  post(
    "invalid UTF-8",
    Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    400,
    422,
  ),
  post("UTF-8 longer than it need be", Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 400, 422),
  post("1e999 as attempts", cleanup({}).replace("}}", '},"max_attempts":1e999}'), 422),
  post("1e999 in task_data", request("1e999"), 201, 422),
  post("a number of 5,000 digits", request("9".repeat(5_000)), 201, 422),
  get("NUL as type", "/tasks?type=%00", 200, 422),
  get("half a character as type", "/tasks?type=%ED%A0%80", 200, 400, 422),
  get("invalid UTF-8 as type", "/tasks?type=%ff", 200, 400, 422),
  get("NUL in the path", "/tasks%00", 404),
  get("NUL in the collection", "/hooks/%00/x", 404),
  ...["%", "%zz", "%u0041", "%c0%af"].map((bad) =>
    get(`bad encoding ${bad}`, `/tasks/${bad}?type=${bad}`, 400, 404, 422),
  ),
];

const cursors: Attack[] = [
  ...[
    "x",
    "",
    "before:1",
    "YmVmb3JlOi0x",
    "YmVmb3JlOjFlMw",
    "YmVmb3JlOjk5OTk5OTk5OTk5OTk5OTk",
    "%00",
    "a".repeat(4_000),
  ],
].map((cursor) => get(`the cursor ${cursor.slice(0, 20)}`, `/tasks?cursor=${cursor}`, 422));

const limits: Attack[] = [
  ...["0", "-1", "201", "1e2", "0x10", "%D9%A1", "1.5", "", "null", "99999999999999999999", "50%00"],
].map((limit) => get(`the limit ${limit}`, `/tasks?limit=${limit}`, 422));

const sql: Attack[] = [
  post("SQL as type", JSON.stringify({ type: SQL }), 422),
  post("SQL as attachment", cleanup({ attachment_id: SQL }), 201),
  post("SQL as time", cleanup({ scheduled_time: SQL }), 422),
  post("SQL as attempts", cleanup({ max_attempts: SQL }), 422),
  post("SQL in task_data", request(JSON.stringify({ [SQL]: SQL })), 201),
  get("SQL as a filter", `/tasks?type=${encodeURIComponent(SQL)}`, 200),
  get("SQL as status", `/tasks?status=${encodeURIComponent(SQL)}`, 422),
  get("SQL as cursor", `/tasks?cursor=${encodeURIComponent(SQL)}`, 422),
  expects(
    "SQL as Idempotency-Key",
    { method: "POST", target: "/tasks", headers: [["Idempotency-Key", SQL]], body: cleanup({}) },
    201,
  ),
  expects(
    "SQL as collection",
    { method: "POST", target: `/hooks/${encodeURIComponent(SQL)}/items.create.after`, body: '{"data":{}}' },
    200,
  ),
];

const times: Attack[] = [
  ...[
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-11-24T24:00:00Z",
  ],
  ...["2026-11-24T09:00:60Z", "2026-11-24T09:00:00+99:99", "2026-13-01T00:00:00Z", "-2026-01-01T00:00:00Z"],
  ...["infinity", "now", "2026-11-24T09:00:00Z\0", "٢٠٢٦-11-24T09:00:00Z"],
].map((time) => post(`the time ${time}`, cleanup({ scheduled_time: time }), 201, 422));

const keys: Attack[] = [
  ...(["", "Bearer", "Basic x", "Bearer null", "Bearer \xff"] as const).map((value) =>
    expects(
      `the key ${value}`,
      { method: "GET", target: "/tasks", headers: [["Authorization", value]] },
      401,
    ),
  ),
  async ({ key, send, note }) => {
    for (const other of [
      key.toUpperCase(),
      key.toLowerCase(),
      `${key}x`,
      key.slice(0, -1),
      `${key} ${key}`,
    ]) {
      const answer = await send(
        requestOf(
          "another key",
          { method: "GET", target: "/tasks", headers: [["authorization", `Bearer ${other}`]] },
          key,
        ),
      );
      if (answer && answer.status !== 401) note("a wrong key is accepted", other);
    }
  },
  ...["/tasks", "/openapi.json", "/tasks/1", "/nowhere", "/tasks/running"].map((target) =>
    expects(`no key for ${target}`, { method: "GET", target, headers: [["authorization", ""]] }, 401),
  ),
];

const methods: Attack[] = [
  expects("a GET with a body", { method: "GET", target: "/tasks", body: '{"a":1}' }, 200),
  expects("a GET of health with a body", { method: "GET", target: "/health/tasks", body: "x" }, 200),
  expects("a HEAD", { method: "HEAD", target: "/tasks" }, 200),
  expects("a HEAD with a body", { method: "HEAD", target: "/tasks", body: "x" }, 200),
  expects("a TRACE", { method: "TRACE", target: "/tasks" }, 400, 404, 405),
  expects("a TRACE with a body", { method: "TRACE", target: "/tasks", body: "x" }, 400, 404, 405),
  expects("OPTIONS", { method: "OPTIONS", target: "/tasks" }, 404),
  expects("a DELETE with a body", { method: "DELETE", target: "/tasks/7000", body: "x".repeat(100) }, 404),
];

const paths: Attack[] = [
  ...[
    "//",
    "///",
    "//tasks",
    "/tasks//",
    "/tasks/",
    "/..;/tasks",
    "/tasks/1/",
    "/TASKS",
    "/tasks/1/cancel/x",
  ],
  ...["/openapi.json/", "/__proto__", "/tasks/running/x", "/hooks", "/hooks//", "/hooks/a/b/c"],
].map((target) => get(`GET ${target}`, target, 400, 404));

const sizes: Attack[] = [
  post("a body of 5 MiB and a byte", cleanup({ attachment_id: "x".repeat(5 * KB * KB) }), 413),
  post("a body of more than 6 MiB", cleanup({ attachment_id: "x".repeat(6 * KB * KB) }), 413),
  post("131,000 wrong elements", `[${"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]],".repeat(131_000)}1]`, 413),
  post("1,000 wrong elements", `[${"1,".repeat(999)}1]`, 422),
  post("1,000 tasks with 50 unknown fields each", JSON.stringify(Array(1_000).fill(manyFields(50))), 422),
  post("a task with 200,000 unknown fields", JSON.stringify(manyFields(200_000)), 422),
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

const idempotency: Attack[] = [
  async (attacker) => {
    const { key, send, note } = attacker;
    for (const body of [cleanup({}), `[${cleanup({})},${cleanup({})}]`]) {
      const headers: [string, string][] = [["Idempotency-Key", `deleted ${body.length}`]];
      const create = requestOf(
        "a repetition after deletion",
        { method: "POST", target: "/tasks", headers, body },
        key,
      );
      const first = await send(create);
      const made = [JSON.parse(first?.text ?? "[]")].flat() as { id: number }[];
      for (const { id } of made)
        await send(requestOf("a deletion", { method: "DELETE", target: `/tasks/${id}` }, key));
      const again = await send(create);
      if (again && again.status >= 500) note("a repetition after deletion fails", again.text);
    }
  },
  ...["", " ", "x".repeat(256), "\xff"].map((value) =>
    expects(
      `the Idempotency-Key ${value.slice(0, 5)}`,
      { method: "POST", target: "/tasks", headers: [["Idempotency-Key", value]], body: cleanup({}) },
      ...(value === "\xff" ? [201, 422] : [422]),
    ),
  ),
  expects(
    "two Idempotency-Keys",
    {
      method: "POST",
      target: "/tasks",
      headers: [
        ["Idempotency-Key", "a"],
        ["Idempotency-Key", "b"],
      ],
      body: cleanup({}),
    },
    201,
    400,
    422,
  ),
];

/** A table of Baasix may refer to others. */
const foreignKey: Attack = async (attacker) => {
  await attacker.target.sql(`create table files (id varchar(255) primary key)`);
  await attacker.target.sql(
    `alter table "baasix_Tasks" add constraint of_file foreign key (attachment_id) references files (id)`,
  );
  await post("an attachment that does not exist", cleanup({ attachment_id: "nothing" }), 422)(attacker);
  await expects(
    "a change to an attachment that does not exist",
    { method: "PATCH", target: "/tasks/2", body: '{"attachment_id":"nothing"}' },
    409,
    422,
  )(attacker);
  await attacker.target.sql(`alter table "baasix_Tasks" drop constraint of_file`);
  await attacker.target.sql(`drop table files`);
};

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

export const attacks: readonly Attack[] = [
  ...names,
  ...depths,
  ...ids,
  ...hooks,
  ...texts,
  ...cursors,
  ...limits,
  ...sql,
  ...times,
  ...keys,
  ...methods,
  ...paths,
  ...sizes,
  ...idempotency,
  foreignKey,
];
