import type { IncomingMessage } from "node:http";
import { defineTask } from "#core";
import { type AddressGuard, createAddressGuard } from "./address-guard.ts";
import { parseAllowList } from "./allow-list.ts";
import { decodeBody, type HttpBody, readStart, textOf } from "./http-body.ts";
import { redirectError, statusError, timeoutError } from "./http-errors.ts";
import { exchange, failure, firstHop, type Hop, nextHop } from "./http-exchange.ts";
import { type HttpRequestData, httpRequestData } from "./http-request-data.ts";
import { createSigner, type Signer } from "./standard-webhooks.ts";

/** The `result_data` of a request that was answered with a status below 400. */
export interface HttpRequestResult extends HttpBody {
  status: number;
  /** By lower-case name; `set-cookie` is an array. */
  headers: Record<string, string | string[] | undefined>;
  /** The address that answered, after redirects. */
  url: string;
  /** Redirects that were followed. */
  redirects: number;
}

/** Bytes of a body that are kept; the rest is not downloaded. */
const BODY_LIMIT_BYTES = 64 * 1024;
/** Bytes of an error's body that are read for its message. */
const ERROR_BODY_LIMIT_BYTES = 1024;

/**
 * `http_request`: sends an HTTP request. A status of 400 or more is a failure: if attempts are left (`max_attempts`; one
 * by default, because not every request may be repeated), 408, 425, 429 and 5xx are tried again, after the pause that
 * the server asks for, if any. Other statuses end the task at once.
 *
 * Private addresses are refused unless `HTTP_REQUEST_ALLOW` lists them. With `sign`, the request is signed by Standard
 * Webhooks.
 *
 * @example await tasks.create([{ type: "http_request", task_data: { method: "POST", url: "https://example.com/hook", body: { id: 7 } } }]);
 */
export const httpRequest = defineTask({
  type: "http_request",
  data: httpRequestData,
  run: async ({ sign, ...data }, { task, signal, config }) =>
    performHttpRequest(data, {
      signal,
      guard: createAddressGuard(parseAllowList(config.httpRequestAllow)),
      sign: sign ? createSigner(config.webhookSecrets, task) : undefined,
    }),
});

/**
 * Sends the request and follows its redirects. `timeout_seconds` covers all of it, body included.
 *
 * @throws an Error with a `code`: `http_404` and the like, an OwnErrorCode, or that of the network failure
 * (`ECONNREFUSED`, `ENOTFOUND`, …); the reason of `signal` if that aborts
 */
export async function performHttpRequest(
  data: Omit<HttpRequestData, "sign">,
  { signal, guard, sign }: { signal: AbortSignal; guard: AddressGuard; sign?: Signer | undefined },
): Promise<HttpRequestResult> {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(timeoutError(data.method, data.url, data.timeout_seconds)),
    data.timeout_seconds * 1000,
  );
  try {
    return await follow(data, firstHop(data, sign), AbortSignal.any([signal, limit.signal]), guard);
  } finally {
    clearTimeout(timer);
  }
}

async function follow(
  data: Pick<HttpRequestData, "follow_redirects">,
  first: Hop,
  signal: AbortSignal,
  guard: AddressGuard,
): Promise<HttpRequestResult> {
  let hop = first;
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(hop, guard(hop.url), signal);
    try {
      const next = data.follow_redirects > 0 ? nextHop(hop, response) : undefined;
      if (!next) return { ...(await readAnswer(hop, response, signal)), redirects };
      if (redirects === data.follow_redirects)
        throw redirectError(
          "http_too_many_redirects",
          hop,
          `redirects again after ${redirects} redirects; at most ${data.follow_redirects} are followed`,
        );
      hop = next;
    } finally {
      // However it ends, no connection stays open.
      response.destroy();
    }
  }
}

async function readAnswer(
  hop: Hop,
  response: IncomingMessage,
  signal: AbortSignal,
): Promise<Omit<HttpRequestResult, "redirects">> {
  const { statusCode: status = 0, headers } = response;
  if (status >= 400) {
    // The status says more than a body that broke off.
    const start = await readStart(response, ERROR_BODY_LIMIT_BYTES).catch(() => undefined);
    throw statusError(hop, status, {
      retryAfter: headers["retry-after"],
      text: start && textOf(start, headers),
    });
  }
  const start = await readStart(response, BODY_LIMIT_BYTES).catch((error: unknown) => {
    throw failure(hop, error, signal);
  });
  return { status, headers: { ...headers }, ...decodeBody(start, headers), url: hop.url.href };
}
