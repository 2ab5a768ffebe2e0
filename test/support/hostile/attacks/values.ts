/** Values that have hurt servers before: in names, ids, texts, cursors, times, and SQL wherever there is a text. */
import { type Attack, cleanup, deep, expects, get, hook, post, request, SQL } from "./attack.ts";

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
  post("arrays 10,000 deep", deep(10_000), 400, 422),
  post("arrays 100,000 deep", deep(100_000), 400, 422),
  post("arrays a million deep", deep(1_000_000), 400, 422),
  post("objects 10,000 deep", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, 400, 422),
  post("task_data 5,000 deep", request(deep(5_000)), 201, 400, 422),
  post("task_data 100,000 deep", request(deep(100_000)), 201, 400, 413, 422),
  post(
    "an array of task_data 5,000 deep",
    `[${request(deep(5_000))},${request(deep(5_000))}]`,
    201,
    400,
    422,
  ),
];

const ids: Attack[] = [
  ...["-1", "0", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1e3", "1%20or%201=1"],
  ...["%D9%A1", "%EF%BC%91", "%00", "1%00", "01", "+1", "1.0", "0x1", "NaN", "%zz", "%", "%ff", "1;2"],
  encodeURIComponent(SQL),
].map((id) => get(`the id ${id}`, `/tasks/${id}`, 400, 404));
// Dots are resolved before anybody reads the path, and the dashboard is at its end.
ids.push(
  get("the id %2e%2e", "/tasks/%2e%2e", 200),
  get("the id %2e%2e%2f", "/tasks/%2e%2e%2ftasks", 400, 404),
);

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
].map((id) => hook(id, 400, 422));

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
  post("1e999 as attempts", cleanup({}).replace("}}", '},"max_attempts":1e999}'), 400, 422),
  post("1e999 in task_data", request("1e999"), 201, 400, 422),
  post("a number of 5,000 digits", request("9".repeat(5_000)), 201, 400, 422),
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

export const valueAttacks = [names, depths, ids, hooks, texts, cursors, limits, sql, times].flat();
