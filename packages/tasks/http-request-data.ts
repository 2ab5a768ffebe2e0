import { validateHeaderName, validateHeaderValue } from "node:http";
import * as v from "valibot";
import { mustBe, quote } from "../core/errors.ts";
import { onlyFields } from "./only-fields.ts";
import { SIGNATURE_HEADERS } from "./standard-webhooks.ts";

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const MAX_TIMEOUT_SECONDS = 600;
const MAX_REDIRECTS = 5;
const MAX_HEADERS = 100;
const URL_LIMIT = 8_192;

/** They belong to the connection, or follow from the URL and the body. */
const OWN_HEADERS = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const url = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed ? urlIssue(dataset.value) : undefined;
    if (message) addIssue({ message });
  }),
);

const headers = v.pipe(
  // Counted before each of them is looked at.
  v.looseObject({}),
  v.maxEntries(MAX_HEADERS, ({ received }) => `must have at most ${MAX_HEADERS} entries, got ${received}`),
  v.record(v.string(), v.string()),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed ? headersIssue(dataset.value) : undefined;
    if (message) addIssue({ message });
  }),
);

const redirectHeaders = v.pipe(
  v.array(v.string()),
  v.maxLength(MAX_HEADERS, ({ received }) => `must have at most ${MAX_HEADERS} entries, got ${received}`),
);

/** The `task_data` of an `http_request`. */
export const httpRequestData = v.pipe(
  onlyFields({
    /** Default GET. */
    method: v.optional(v.picklist(METHODS), "GET"),
    /** `http:` or `https:`. */
    url,
    headers: v.optional(headers, {}),
    /** A string is sent as it is, anything else as JSON, including `null`. */
    body: v.optional(v.unknown()),
    /** Covers everything: connecting, redirects and body. Default 30. */
    timeout_seconds: v.optional(
      v.pipe(
        v.number(),
        v.check(
          (seconds) => seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS,
          ({ input }) => mustBe(`more than 0 and at most ${MAX_TIMEOUT_SECONDS}`, input),
        ),
      ),
      30,
    ),
    /** How many redirects are followed; with 0, the redirect itself is the result. Default 5. */
    follow_redirects: v.optional(
      v.pipe(
        v.number(),
        v.check(
          (count) => Number.isInteger(count) && count >= 0 && count <= MAX_REDIRECTS,
          ({ input }) => mustBe(`a whole number from 0 to ${MAX_REDIRECTS}`, input),
        ),
      ),
      MAX_REDIRECTS,
    ),
    /**
     * Names of those of `headers` that a redirect to another origin takes along, in any case. Default none: any of them
     * may be a secret that is meant for the first server alone.
     */
    redirect_headers: v.optional(redirectHeaders, []),
    /** Whether it is signed by Standard Webhooks, with the secrets in `WEBHOOK_SECRETS`. Default no. */
    sign: v.optional(v.boolean(), false),
  }),
  v.forward(
    v.check(
      ({ method, body }) => body === undefined || (method !== "GET" && method !== "HEAD"),
      ({ input }) => `must be absent, since a ${input.method} request has none`,
    ),
    ["body"],
  ),
  v.forward(
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const given = new Set(Object.keys(dataset.value.headers).map((name) => name.toLowerCase()));
      const unknown = dataset.value.redirect_headers.find((name) => !given.has(name.toLowerCase()));
      if (unknown !== undefined) addIssue({ message: `must be names of headers, got ${quote(unknown)}` });
    }),
    ["redirect_headers"],
  ),
  v.forward(
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || !dataset.value.sign) return;
      const own = Object.keys(dataset.value.headers).find((name) => isSignature(name.toLowerCase()));
      if (own !== undefined) addIssue({ message: `must not have ${quote(own)}, which sign adds` });
    }),
    ["headers"],
  ),
);

const isSignature = (name: string) => (SIGNATURE_HEADERS as readonly string[]).includes(name);

export type HttpRequestData = v.InferOutput<typeof httpRequestData>;

/** The message never repeats a URL with a password in it. */
function urlIssue(text: string): string | undefined {
  if (text.length > URL_LIMIT) return `must have at most ${URL_LIMIT} characters, got ${text.length}`;
  if (!URL.canParse(text)) return mustBe("a URL that begins with http:// or https://", text);
  const { protocol, username, password } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:")
    return `must begin with http:// or https://, got ${quote(protocol)}`;
  if (username || password) return "must have no user name and no password; send an authorization header";
  return undefined;
}

function headersIssue(given: Record<string, string>): string | undefined {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(given)) {
    try {
      validateHeaderName(name);
    } catch {
      return `must have names of letters, digits and hyphens, got ${quote(name)}`;
    }
    const lower = name.toLowerCase();
    if (OWN_HEADERS.has(lower)) return `must not have ${quote(name)}, which belongs to the connection`;
    if (seen.has(lower)) return `must not have ${quote(name)} twice; upper and lower case are the same`;
    seen.add(lower);
    try {
      validateHeaderValue(name, value);
    } catch {
      // The value may be a secret.
      return `must have no line break, and no other character that is invalid in a header, in ${quote(name)}`;
    }
  }
  return undefined;
}
