/** Upstash's REST API in front of any Redis, as its client speaks it: results in base64 where the client asks for it. */

import { type HttpAnswer, type HttpRequest, serveHttp } from "../aws/http-server.ts";
import type { RedisBackend } from "../wires/redis-wire.ts";

export interface UpstashServer {
  url: string;
  /** Those that it did not answer count too. */
  requests: number;
  /** Set it, and there is nobody: connections end without an answer. */
  down: boolean;
  /** How long every answer takes, in milliseconds. */
  delayMs: number;
  /** Set it, and every answer is this error. */
  error: string | undefined;
  close(): Promise<void>;
}

interface Reply {
  result?: unknown;
  error?: string;
}

export async function serveUpstash(backend: RedisBackend, token: string): Promise<UpstashServer> {
  const answer = async ({ method, path, headers, body }: HttpRequest): Promise<HttpAnswer> => {
    if (method !== "POST") return { status: 405, body: { error: `there is no ${method} here` } };
    if (headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { error: "WRONGPASS invalid or missing auth token" } };
    const kind = path.slice(1);
    const replies = (await backend.answer({
      body: JSON.parse(body),
      ...(kind && { path: [kind] }),
    })) as Reply | Reply[];
    const encoded = headers["upstash-encoding"] === "base64";
    const commands = (kind ? JSON.parse(body) : [JSON.parse(body)]) as string[][];
    const shown = (reply: Reply, n: number): Reply => {
      if (!encoded || !("result" in reply)) return reply;
      // A status stays as it is, at Upstash too.
      const isStatus = reply.result === "OK" && /^(set|flush)/i.test(commands[n]?.[0] ?? "");
      return isStatus ? reply : { result: toBase64(reply.result) };
    };
    return {
      status: Array.isArray(replies) || !replies.error ? 200 : 400,
      headers: { "upstash-sync-token": "a-token" },
      body: Array.isArray(replies) ? replies.map(shown) : shown(replies, 0),
    };
  };
  const server = await serveHttp(async (request) => {
    state.requests++;
    if (state.down) return void request.drop();
    const { delayMs, error } = state;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return error === undefined ? answer(request) : { status: 400, body: { error } };
  });
  const state: UpstashServer = {
    url: server.url,
    requests: 0,
    down: false,
    delayMs: 0,
    error: undefined,
    close: () => server.close(),
  };
  return state;
}

/** Strings at any depth. */
function toBase64(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toBase64);
  return typeof value === "string" ? Buffer.from(value).toString("base64") : value;
}
