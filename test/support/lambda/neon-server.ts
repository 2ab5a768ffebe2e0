/** Neon's SQL over HTTP in front of any Postgres: what answers its driver in one process, on a socket. */
import { neonConfig } from "@neondatabase/serverless";
import { type HttpAnswer, type HttpRequest, serveHttp } from "../aws/http-server.ts";
import { answerNeon, type Backend, forgetNeon } from "../wires/neon-wire.ts";

export interface NeonServer {
  /** Where the driver's requests have to go, instead of to Neon. */
  url: string;
  /** The same Postgres for a driver in this process. */
  inProcessUrl: string;
  requests: number;
  /** Set it, and there is nobody: connections end without an answer. */
  down: boolean;
  /** How long every answer takes, in milliseconds. */
  delayMs: number;
  close(): Promise<void>;
}

/** @param databaseUrl what a client must present, password and all */
export async function serveNeon(backend: Backend, databaseUrl: string): Promise<NeonServer> {
  const inProcessUrl = answerNeon(new URL(databaseUrl).hostname, backend);
  const answerInProcess = neonConfig.fetchFunction as typeof fetch;
  const answer = async (request: HttpRequest): Promise<HttpAnswer> => {
    const refused = refusalOf(request, databaseUrl);
    if (refused) return { status: 400, body: { message: refused } };
    const option = (name: string) => String(request.headers[`neon-batch-${name}`] ?? "");
    const answered = await answerInProcess(inProcessUrl, {
      body: request.body,
      headers: {
        "Neon-Connection-String": inProcessUrl,
        "Neon-Batch-Isolation-Level": option("isolation-level"),
        "Neon-Batch-Read-Only": option("read-only"),
        "Neon-Batch-Deferrable": option("deferrable"),
      },
    });
    return { status: answered.status, body: await answered.json() };
  };
  const server = await serveHttp(async (request) => {
    if (state.down) return void request.drop();
    state.requests++;
    if (state.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, state.delayMs));
    return answer(request);
  });
  const state: NeonServer = {
    url: `${server.url}/sql`,
    inProcessUrl,
    requests: 0,
    down: false,
    delayMs: 0,
    close: async () => {
      forgetNeon(inProcessUrl);
      await server.close();
    },
  };
  return state;
}

function refusalOf({ method, path, headers }: HttpRequest, databaseUrl: string): string | undefined {
  if (method !== "POST" || path !== "/sql") return `there is no ${method} ${path}`;
  if (headers["neon-raw-text-output"] !== "true" || headers["neon-array-mode"] !== "true")
    return "this stand-in speaks raw text in arrays only";
  if (identity(String(headers["neon-connection-string"])) !== identity(databaseUrl))
    return "password authentication failed";
  return undefined;
}

/** Who asks for which database; drivers add parameters, such as their names. */
function identity(databaseUrl: string): string {
  const { username, password, host, pathname } = new URL(databaseUrl);
  return `${username}:${password}@${host}${pathname}`;
}
