/**
 * What runs a function inside of its execution environment, like Lambda's own runtime for Node.js: loads the module
 * that `_HANDLER` names from LAMBDA_TASK_ROOT, and calls its handler with one invocation after the other. Handlers are
 * asynchronous; the callback style is not spoken.
 */
import { Agent, request } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Context } from "aws-lambda";

type Handler = (event: unknown, context: Context) => unknown;

const { AWS_LAMBDA_RUNTIME_API: api = "", LAMBDA_TASK_ROOT: root = "", _HANDLER: path = "" } = process.env;
const agent = new Agent({ keepAlive: true });
/** An environment ends when Lambda ends it, not when a handler waits for what nothing will ever bring. */
const aDayMs = 86_400_000;
setInterval(() => {}, aDayMs);

/** One call of the Runtime API. Not `fetch`: that belongs to the function, and may be replaced. */
function call(method: "GET" | "POST", route: string, body?: string, headers: Record<string, string> = {}) {
  return new Promise<{ headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
    const sent = request(
      `http://${api}/2018-06-01/runtime/${route}`,
      { method, headers, agent },
      (answer) => {
        const chunks: Buffer[] = [];
        answer
          .on("data", (chunk: Buffer) => chunks.push(chunk))
          .once("end", () =>
            resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString("utf8") }),
          )
          .once("error", reject);
      },
    );
    sent.once("error", reject).end(body);
  });
}

function report(error: unknown): { errorType: string; errorMessage: string; trace: string[] } {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split("\n") ?? [] };
}

/** An error goes to the log, as a line of JSON, and to Lambda. */
async function fail(route: string, error: unknown, requestId?: string): Promise<void> {
  const said = report(error);
  const line = { timestamp: new Date().toISOString(), level: "ERROR", requestId, ...said };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  await call("POST", route, JSON.stringify(said), { "lambda-runtime-function-error-type": said.errorType });
}

async function load(): Promise<Handler> {
  const [file = "", name = ""] = path.split(".");
  const module = (await import(pathToFileURL(join(root, `${file}.mjs`)).href)) as Record<string, unknown>;
  if (typeof module[name] === "function") return module[name] as Handler;
  throw Object.assign(new Error(`${path} is undefined or not exported`), { name: "Runtime.HandlerNotFound" });
}

function contextOf(headers: NodeJS.Dict<string | string[]>): Context {
  const header = (name: string) => String(headers[`lambda-runtime-${name}`] ?? "");
  const deadlineMs = Number(header("deadline-ms"));
  const none = () => {};
  return {
    awsRequestId: header("aws-request-id"),
    invokedFunctionArn: header("invoked-function-arn"),
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "",
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION ?? "",
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? "",
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME ?? "",
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME ?? "",
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
    done: none,
    fail: none,
    succeed: none,
  };
}

let handler: Handler;
try {
  handler = await load();
} catch (error) {
  await fail("init/error", error);
  process.exit(1);
}
for (;;) {
  const { headers, body } = await call("GET", "invocation/next");
  const context = contextOf(headers);
  try {
    const result = await handler(JSON.parse(body), context);
    await call("POST", `invocation/${context.awsRequestId}/response`, JSON.stringify(result ?? null));
  } catch (error) {
    await fail(`invocation/${context.awsRequestId}/error`, error, context.awsRequestId);
  }
}
