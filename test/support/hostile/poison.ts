/** What is put where something good was. */

export const SQL = `'; drop table "baasix_Tasks"; --`;

/** Where a value of some kind is expected. */
export const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 1,
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "\udfff\ud800",
  "x".repeat(256),
  "x".repeat(10_000),
  "💥".repeat(200),
  SQL,
  "$1",
  ":tasks",
  "1 or 1=1",
  "__proto__",
  "constructor",
  "toString",
  "0001-01-01T00:00:00Z",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999-12:00",
  "2026-02-30T00:00:00Z",
  "2026-11-24T24:00:00Z",
  "infinity",
  [],
  {},
  [[]],
  [null],
  { toString: 1, valueOf: 1 },
  { length: 1e9 },
  nested(50),
  nested(2_000),
];

/** The same as text, for what JSON.stringify does not write. */
export const RAW = [
  "1e999",
  "-1e999",
  '{"__proto__":{"type":"http_request"}}',
  '"\\ud800"',
  "1E400",
  "-0",
  "1.0e0",
];

export const NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "id",
  "rev",
  "slot",
  "lease_token",
  "task_status",
  "userCreated_Id",
  "",
  "\0",
  SQL,
  "x".repeat(1_000),
];

/** In a path or after the question mark, encoded already. */
export const ENCODED = [
  "%00",
  "%",
  "%zz",
  "%ff",
  "%c0%af",
  "%ED%A0%80",
  "%2e%2e%2f",
  "%2F",
  "..",
  "1%20or%201=1",
  "1e3",
  "0",
  "-1",
  "01",
  "+1",
  "1.0",
  "0x1",
  "9007199254740992",
  "9223372036854775807",
  "9223372036854775808",
  "99999999999999999999",
  "%D9%A1",
  "%EF%BC%91",
  "null",
  "undefined",
  "NaN",
  "Infinity",
  "__proto__",
  "%27%3B--",
  "",
  "a".repeat(2_000),
];

export const HEADERS: [name: string, value: string][] = [
  ["Idempotency-Key", ""],
  ["Idempotency-Key", "x".repeat(300)],
  ["Idempotency-Key", "\xff\xfe"],
  ["Idempotency-Key", "'; drop table tickwork_requests; --"],
  ["Tickwork-User", ""],
  ["Tickwork-User", "x".repeat(300)],
  ["Tickwork-User", "\xff\xfe"],
  ["Tickwork-User", SQL],
  ["Content-Type", "text/plain"],
  ["Content-Type", "application/json; charset=utf-16"],
  ["Content-Type", "multipart/form-data; boundary=x"],
  ["Content-Encoding", "gzip"],
  ["Accept", "text/html"],
  ["Accept-Encoding", "gzip, br"],
  ["X-HTTP-Method-Override", "DELETE"],
  ["X-Forwarded-Host", "evil.example"],
  ["Origin", "https://evil.example"],
  ["Cookie", "a=b; ".repeat(500)],
  ["Range", "bytes=0-1"],
  ["If-None-Match", "*"],
  ["Expect", "100-continue"],
  ["Upgrade", "h2c"],
  ["Forwarded", 'for="\\"'],
];

export const KEYS = [
  "",
  "Bearer",
  "Bearer ",
  "Basic abc",
  "Bearer \xff",
  "bearer x",
  "Bearer null",
  "Bearer a b",
];
export const METHODS = [
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "PATCH",
  "DELETE",
  "POST",
  "GET",
  "PROPFIND",
  "LINK",
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < depth; n++) value = n % 2 ? [value] : { a: value };
  return value;
}
