/** What tasks of the type `http_request` call: notes every request, and answers as the test says. */
import { type HttpAnswer, serveHttp } from "../aws/http-server.ts";

export interface Hit {
  path: string;
  arrivedAtMs: number;
  /** Aborts when the task has given up. */
  gone: AbortSignal;
}

export interface WebServer {
  url: string;
  hits: Hit[];
  /** As many as were answered at the same time. */
  mostAtOnce(): number;
  /** How to answer; `nth` counts from 1 over all of them. Default: 200 at once. */
  answer: (hit: Hit, nth: number) => Promise<HttpAnswer | undefined> | HttpAnswer | undefined;
  close(): Promise<void>;
}

/** Never answers; the task has to give up. */
export const silence = (): Promise<undefined> => new Promise(() => {});

export async function serveWeb(): Promise<WebServer> {
  const hits: Hit[] = [];
  let open = 0;
  let most = 0;
  const web: WebServer = {
    url: "",
    hits,
    mostAtOnce: () => most,
    answer: () => ({ status: 200, body: { ok: true } }),
    close: () => server.close(),
  };
  const server = await serveHttp(async ({ path, gone }) => {
    const hit = { path, arrivedAtMs: Date.now(), gone };
    hits.push(hit);
    most = Math.max(most, ++open);
    gone.addEventListener("abort", () => open--, { once: true });
    const answer = await web.answer(hit, hits.length);
    if (!gone.aborted) open--;
    return answer;
  });
  web.url = server.url;
  return web;
}
