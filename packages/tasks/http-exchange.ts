/** One request and the head of its response; and where a redirect leads. */
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { PermanentError } from "#core";
import { quote } from "../core/errors.ts";
import { encodeBody } from "./http-body.ts";
import { networkError, redirectError } from "./http-errors.ts";
import type { HttpRequestData } from "./http-request-data.ts";
import { SIGNATURE_HEADERS, type Signer } from "./standard-webhooks.ts";

/** One request of a chain of redirects. */
export interface Hop {
  method: HttpRequestData["method"];
  url: URL;
  /** By lower-case name. */
  headers: Record<string, string>;
  /** What is left of the headers on the way to another origin, by lower-case name. */
  beyondOrigin: Record<string, string>;
  body: Buffer | undefined;
}

/** Sent unless the data says otherwise. Not compressed: a compressed body could only be kept as it is. */
const USUAL_HEADERS = { accept: "*/*", "accept-encoding": "identity", "user-agent": "tickwork" };

/** The request that the task's data asks for, signed if there is a signer. */
export function firstHop(
  { method, url, headers, redirect_headers, body }: Omit<HttpRequestData, "sign">,
  sign?: Signer,
): Hop {
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  // What describes the body goes where the body goes.
  const taken = new Set([...BODY_HEADERS, ...redirect_headers.map((name) => name.toLowerCase())]);
  const encoded = encodeBody(body);
  const own = { ...USUAL_HEADERS, ...encoded?.headers };
  return {
    method,
    url: withoutHash(new URL(url)),
    // What is signed is meant for the receiver that was named, so a redirect elsewhere goes without.
    headers: { ...own, ...Object.fromEntries(given), ...sign?.(encoded?.bytes ?? Buffer.alloc(0)) },
    beyondOrigin: { ...own, ...Object.fromEntries(given.filter(([name]) => taken.has(name))) },
    body: encoded?.bytes,
  };
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const BODY_HEADERS = ["content-encoding", "content-language", "content-location", "content-type"];
/** What goes when the body goes. */
const ABOUT_BODY = new Set<string>([...BODY_HEADERS, ...SIGNATURE_HEADERS]);

/**
 * Where a response redirects to, by the rules of `fetch`: 303 asks for a GET, 301 and 302 turn a POST into one, 307 and
 * 308 keep everything. Headers that the task gave are sent only to the origin that they were given for, unless it lists
 * them.
 *
 * @returns undefined if the response is not a redirect
 * @throws PermanentError `http_bad_redirect`
 */
export function nextHop(hop: Hop, { statusCode = 0, headers }: IncomingMessage): Hop | undefined {
  if (!REDIRECTS.has(statusCode) || headers.location === undefined) return undefined;
  // Node reads headers as Latin-1, and servers write UTF-8.
  const location = Buffer.from(headers.location, "latin1").toString();
  if (!URL.canParse(location, hop.url.href))
    throw redirectError("http_bad_redirect", hop, `redirects to ${quote(location)}, which is not a URL`);
  const url = withoutHash(new URL(location, hop.url));
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw redirectError(
      "http_bad_redirect",
      hop,
      `redirects to ${quote(url.protocol)}, but only http and https are followed`,
    );
  url.username = "";
  url.password = "";

  const asksForGet =
    statusCode === 303
      ? hop.method !== "GET" && hop.method !== "HEAD"
      : statusCode < 303 && hop.method === "POST";
  const kept = (all: Record<string, string>) =>
    asksForGet ? Object.fromEntries(Object.entries(all).filter(([name]) => !ABOUT_BODY.has(name))) : all;
  const beyondOrigin = kept(hop.beyondOrigin);
  return {
    method: asksForGet ? "GET" : hop.method,
    url,
    // Once dropped, they do not come back.
    headers: url.origin === hop.url.origin ? kept(hop.headers) : beyondOrigin,
    beyondOrigin,
    body: asksForGet ? undefined : hop.body,
  };
}

/**
 * How long one address of a host may take before the next is tried. Node's default of a quarter of a second is less
 * than a connection to another continent takes, and if the next address cannot be reached at all, the request fails.
 */
const CONNECT_ATTEMPT_MS = 2_500;

/**
 * Sends a request on a connection of its own, which ends with the response, so that nothing is left when the task is
 * over. An abort destroys it at once.
 */
export function exchange(hop: Hop, lookup: LookupFunction, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, method, body } = hop;
  const length = body?.byteLength ?? (["POST", "PUT", "PATCH"].includes(method) ? 0 : undefined);
  const options: RequestOptions & { autoSelectFamilyAttemptTimeout: number } = {
    method,
    // Node leaves the length out of a DELETE, whose body would then be read as the next request.
    headers: { ...hop.headers, ...(length === undefined ? {} : { "content-length": length }) },
    agent: false,
    lookup,
    signal,
    autoSelectFamilyAttemptTimeout: CONNECT_ATTEMPT_MS,
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(url, options);
    request.on("response", (response) => {
      // A reader of the body gets the error there; without a reader, it must not be unhandled.
      response.on("error", () => {});
      resolve(response);
    });
    request.on("error", (error) => reject(failure(hop, error, signal)));
    // Node does not report an answer that has no response (101): it just closes the connection.
    request.on("close", () => reject(failure(hop, new Error("closed without an answer"), signal)));
    request.end(body);
  });
}

/** What a failed exchange throws: why it was aborted, that an address was refused, or what the network did. */
export function failure(hop: Hop, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof PermanentError ? error : networkError(hop, error);
}

function withoutHash(url: URL): URL {
  url.hash = "";
  return url;
}
