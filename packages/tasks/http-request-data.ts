import { validateHeaderName, validateHeaderValue } from "node:http";
import * as v from "valibot";
import { quote } from "#core";
import { onlyFields } from "./only-fields.ts";

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const MAX_TIMEOUT_SECONDS = 600;
const MAX_REDIRECTS = 5;
const URL_LIMIT = 8_192;

/** They belong to the connection, which is ours, or follow from the URL and the body. */
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
  v.record(v.string(), v.string()),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed ? headersIssue(dataset.value) : undefined;
    if (message) addIssue({ message });
  }),
);

/** The `task_data` of an `http_request`. */
export const httpRequestData = v.pipe(
  onlyFields({
    /** Default GET. */
    method: v.optional(v.picklist(METHODS), "GET"),
    /** `http:` or `https:`. */
    url,
    headers: v.optional(headers, {}),
    /** A string is sent as it is; anything else, `null` too, as JSON. */
    body: v.optional(v.unknown()),
    /** For all of it: connecting, redirects and body. Default 30. */
    timeout_seconds: v.optional(
      v.pipe(
        v.number(),
        v.check(
          (seconds) => seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS,
          ({ input }) => `${input} is not accepted; more than 0 and at most ${MAX_TIMEOUT_SECONDS} is`,
        ),
      ),
      30,
    ),
    /** How many redirects are followed; 0: the redirect itself is the result. Default 5. */
    follow_redirects: v.optional(
      v.pipe(
        v.number(),
        v.check(
          (count) => Number.isInteger(count) && count >= 0 && count <= MAX_REDIRECTS,
          ({ input }) => `${input} is not accepted; a whole number from 0 to ${MAX_REDIRECTS} is`,
        ),
      ),
      MAX_REDIRECTS,
    ),
  }),
  v.forward(
    v.check(
      ({ method, body }) => body === undefined || (method !== "GET" && method !== "HEAD"),
      ({ input }) => `a ${input.method} request has none; POST, PUT, PATCH, DELETE and OPTIONS may`,
    ),
    ["body"],
  ),
);

export type HttpRequestData = v.InferOutput<typeof httpRequestData>;

/** The message never repeats a URL with a password in it. */
function urlIssue(text: string): string | undefined {
  if (text.length > URL_LIMIT) return `has ${text.length} characters; at most ${URL_LIMIT} are accepted`;
  if (!URL.canParse(text))
    return `${quote(text)} is not a URL; one that begins with http:// or https:// is accepted`;
  const { protocol, username, password } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:")
    return `begins with ${quote(protocol)}; http:// and https:// are accepted`;
  if (username || password) return "has a user name or a password in it; an authorization header is accepted";
  return undefined;
}

function headersIssue(given: Record<string, string>): string | undefined {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(given)) {
    try {
      validateHeaderName(name);
    } catch {
      return `${quote(name)} is not a name of a header; letters, digits and hyphens are accepted`;
    }
    const lower = name.toLowerCase();
    if (OWN_HEADERS.has(lower)) return `${quote(name)} cannot be set; it belongs to the connection`;
    if (seen.has(lower)) return `${quote(name)} is given twice; upper and lower case are the same`;
    seen.add(lower);
    try {
      validateHeaderValue(name, value);
    } catch {
      // The value may be a secret.
      return `the value of ${quote(name)} has a line break or another character that no header may have`;
    }
  }
  return undefined;
}
