/** A described request, made hostile in one place. */
import fc from "fast-check";
import { ENCODED, HEADERS, KEYS, METHODS, NAMES, RAW, VALUES } from "./poison.ts";
import { type Draft, type HttpRequest, type Knowledge, requestOf, validDraft } from "./requests.ts";

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

function stringified(value: unknown): string {
  try {
    return (JSON.stringify(value) as string | undefined) ?? "null";
  } catch {
    return "null";
  }
}
