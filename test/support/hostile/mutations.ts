/** A described request, made hostile in one place. */
import fc from "fast-check";
import { type Draft, type HttpRequest, type Knowledge, requestOf, validDraft } from "./requests.ts";

const SQL = `'; drop table "baasix_Tasks"; --`;

/** Where a value of some kind is expected. `raw` values cannot be made with JSON.stringify. */
const VALUES: readonly unknown[] = [
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

const RAW = ["1e999", "-1e999", '{"__proto__":{"type":"http_request"}}', '"\\ud800"', "1E400", "-0", "1.0e0"];

const NAMES = [
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
const ENCODED = [
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

const HEADERS: [name: string, value: string][] = [
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

const KEYS = ["", "Bearer", "Bearer ", "Basic abc", "Bearer \xff", "bearer x", "Bearer null", "Bearer a b"];
const METHODS = ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "POST", "GET", "PROPFIND", "LINK"];

export function hostileRequest(knowledge: Knowledge): fc.Arbitrary<HttpRequest> {
  const { key } = knowledge;
  const valid = validDraft(knowledge);
  const withBody = valid.filter(({ body }) => body !== undefined);
  const named = (name: string) => (request: HttpRequest) => ({
    ...request,
    name: `${request.name}, ${name}`,
  });
  const changed = (change: (draft: Draft) => fc.Arbitrary<HttpRequest>, of = valid) => of.chain(change);
  return fc.oneof(
    { weight: 5, arbitrary: changed((draft) => valueChanged(draft, key), withBody).map(named("a value")) },
    { weight: 2, arbitrary: changed((draft) => fieldAdded(draft, key), withBody).map(named("a field")) },
    { weight: 2, arbitrary: changed((draft) => bytesChanged(draft, key), withBody).map(named("bytes")) },
    { weight: 3, arbitrary: changed((draft) => pathChanged(draft, key)).map(named("the path")) },
    { weight: 2, arbitrary: changed((draft) => queryChanged(draft, key)).map(named("the query")) },
    { weight: 1, arbitrary: changed((draft) => headersChanged(draft, key)).map(named("headers")) },
    { weight: 1, arbitrary: changed((draft) => keyChanged(draft, key)).map(named("the key")) },
    { weight: 1, arbitrary: changed((draft) => methodChanged(draft, key)).map(named("the method")) },
  );
}

/** Puts something else in the place of one value, however deep it is. */
function valueChanged(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  const places = placesIn(draft.body);
  const marker = "\u{10ffff}here";
  const raw = fc.oneof(
    fc.constantFrom(...VALUES).map((value) => JSON.stringify(value)),
    fc.constantFrom(...RAW),
    fc.anything({ maxDepth: 2 }).map((value) => stringified(value)),
    fc.string({ unit: "binary" }).map((value) => JSON.stringify(value)),
  );
  return fc.tuple(fc.constantFrom(...places), raw).map(([place, value]) => {
    const body = JSON.stringify(replaced(draft.body, place, marker)).replace(
      JSON.stringify(marker),
      () => value,
    );
    return { ...requestOf(draft, key), body };
  });
}

function fieldAdded(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  return fc
    .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES), fc.boolean())
    .map(([name, value, first]) => {
      const field = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
      const text = JSON.stringify(draft.body);
      // In the first object there is, before or behind its own fields.
      const body = first
        ? text.replace("{", () => `{${field},`)
        : text.replace(/\}(?!.*\})/s, () => `,${field}}`);
      return { ...requestOf(draft, key), body };
    });
}

function bytesChanged(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  const given = Buffer.from(JSON.stringify(draft.body));
  const at = fc.nat({ max: Math.max(0, given.length - 1) });
  const body = fc.oneof(
    at.map((end) => given.subarray(0, end)),
    fc
      .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 4 }))
      .map(([n, bytes]) => Buffer.concat([given.subarray(0, n), bytes, given.subarray(n)])),
    fc.tuple(at, fc.constantFrom(0x00, 0x22, 0x5c, 0x80, 0xc0, 0xed, 0xff)).map(([n, byte]) => {
      const copy = Buffer.from(given);
      copy[n] = byte;
      return copy;
    }),
    fc.constantFrom(
      Buffer.from(given.toString(), "utf16le"),
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), given]),
      Buffer.concat([given, given]),
      Buffer.from("NaN"),
      Buffer.from("type=http_request&task_data=1"),
      Buffer.from(`${"[".repeat(10_000)}${"]".repeat(10_000)}`),
      Buffer.from('{"a":'.repeat(10_000)),
    ),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  );
  return body.map((bytes) => ({ ...requestOf(draft, key), body: bytes }));
}

function pathChanged(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  const request = requestOf(draft, key);
  const [pathname = "", search] = request.target.split("?");
  const segments = pathname.split("/").slice(1);
  const rest = search === undefined ? "" : `?${search}`;
  const one = fc
    .tuple(fc.nat({ max: segments.length - 1 }), fc.constantFrom(...ENCODED))
    .map(([n, value]) => `/${segments.with(n, value).join("/")}`);
  const whole = fc.constantFrom(
    `/${pathname}`,
    `${pathname}/`,
    `${pathname}//`,
    pathname.toUpperCase(),
    `/.${pathname}`,
    `/x/..${pathname}`,
    `${pathname};a=b`,
    `${pathname}%00`,
    `${pathname}%20`,
    `${pathname}.json`,
    pathname.replaceAll("/", "%2F"),
    pathname.replaceAll("/", "\\"),
    `http://evil.example${pathname}`,
    "/",
    "*",
    "//",
  );
  return fc.oneof({ weight: 3, arbitrary: one }, whole).map((path) => ({ ...request, target: path + rest }));
}

function queryChanged(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  const request = requestOf(draft, key);
  const names = ["status", "type", "limit", "cursor", "limit[]", "__proto__", "x", ""];
  return fc
    .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...ENCODED)), { minLength: 1, maxLength: 3 })
    .map((pairs) => {
      const search = pairs.map(([name, value]) => `${name}=${value}`).join("&");
      return { ...request, target: `${request.target.split("?")[0]}?${search}` };
    });
}

function headersChanged(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  const request = requestOf(draft, key);
  return fc
    .subarray(HEADERS, { minLength: 1, maxLength: 3 })
    .map((more) => ({ ...request, headers: [...request.headers, ...more] }));
}

function keyChanged(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  const request = requestOf(draft, key);
  const others = request.headers.filter(([name]) => name !== "authorization");
  const wrong = [...KEYS, `Bearer ${key.toUpperCase()}`, `Bearer ${key}x`, `Bearer ${key.slice(1)}`];
  return fc.oneof(
    fc.constant({ ...request, headers: others }),
    fc
      .constantFrom(...wrong)
      .map((value): HttpRequest => ({ ...request, headers: [["authorization", value], ...others] })),
  );
}

function methodChanged(draft: Draft, key: string): fc.Arbitrary<HttpRequest> {
  return fc.constantFrom(...METHODS).map((method) => ({ ...requestOf(draft, key), method }));
}

type Place = readonly (string | number)[];

/** Every place of a value, the whole included. */
function placesIn(value: unknown, here: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [here];
  return [here, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...here, key]))];
}

function replaced(value: unknown, [key, ...rest]: Place, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.with(Number(key), replaced(value[Number(key)], rest, by));
  return { ...(value as object), [key]: replaced((value as Record<string, unknown>)[key], rest, by) };
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < depth; n++) value = n % 2 ? [value] : { a: value };
  return value;
}

function stringified(value: unknown): string {
  try {
    return (JSON.stringify(value) as string | undefined) ?? "null";
  } catch {
    return "null";
  }
}
