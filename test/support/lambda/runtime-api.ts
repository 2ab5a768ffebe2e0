/**
 * Lambda's Runtime API (2018-06-01) of one execution environment: the runtime asks for the next invocation, is given
 * one when there is one, and answers with a response or an error. One invocation at a time.
 */
import { type HttpAnswer, serveHttp } from "../aws/http-server.ts";

export interface Invocation {
  requestId: string;
  event: unknown;
  functionArn: string;
  /** When the function's time is up, in milliseconds since 1970. */
  deadlineMs: number;
}

export interface ErrorReport {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/** What came of an invocation. */
export type Outcome = { ok: true; payload: unknown } | { ok: false; error: ErrorReport };

export interface RuntimeApi {
  /** What the runtime finds in AWS_LAMBDA_RUNTIME_API. */
  address: string;
  /** Resolves when the runtime asks for an invocation; rejects with a FunctionError when it could not start. */
  idle(): Promise<void>;
  /** Hands an invocation to the runtime that asks for one, and resolves when that has answered. */
  invoke(invocation: Invocation): Promise<Outcome>;
  close(): Promise<void>;
}

export class FunctionError extends Error {
  override readonly name = "FunctionError";
  readonly report: ErrorReport;

  constructor(report: ErrorReport) {
    super(`${report.errorType}: ${report.errorMessage}`);
    this.report = report;
  }
}

const PREFIX = "/2018-06-01/runtime";
const ANSWER_PATH = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/;
/** What a function may answer. */
const RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024;
const ACCEPTED: HttpAnswer = { status: 202, body: { status: "OK" } };

export async function serveRuntimeApi(): Promise<RuntimeApi> {
  /** The runtime's open question for the next invocation. */
  let asking: ((answer: HttpAnswer | undefined) => void) | undefined;
  let current: { requestId: string; end(outcome: Outcome): void } | undefined;
  let failedToStart: ErrorReport | undefined;
  let waiting: (() => void)[] = [];
  const changed = () => {
    const told = waiting;
    waiting = [];
    for (const tell of told) tell();
  };

  const server = await serveHttp(async ({ method, path, body, gone }) => {
    if (method === "GET" && path === `${PREFIX}/invocation/next`)
      return new Promise((resolve) => {
        asking = resolve;
        // A runtime that died does not ask any more.
        gone.addEventListener("abort", () => {
          if (asking === resolve) asking = undefined;
          resolve(undefined);
        });
        changed();
      });
    if (path === `${PREFIX}/init/error`) {
      failedToStart = JSON.parse(body) as ErrorReport;
      changed();
      return ACCEPTED;
    }
    const [, requestId, kind] = ANSWER_PATH.exec(path) ?? [];
    if (!kind) return { status: 404, body: { errorType: "NotFound", errorMessage: `${method} ${path}` } };
    if (!current || current.requestId !== requestId)
      return { status: 400, body: { errorType: "InvalidRequestID", errorMessage: "Invalid request ID" } };
    const { end } = current;
    current = undefined;
    if (kind === "error") end({ ok: false, error: JSON.parse(body) as ErrorReport });
    else if (Buffer.byteLength(body) <= RESPONSE_LIMIT_BYTES)
      end({ ok: true, payload: JSON.parse(body) as unknown });
    else {
      const errorMessage = `Response payload size exceeded maximum allowed payload size (${RESPONSE_LIMIT_BYTES} bytes).`;
      end({ ok: false, error: { errorType: "Function.ResponseSizeTooLarge", errorMessage } });
      return { status: 413, body: { errorType: "RequestEntityTooLarge", errorMessage } };
    }
    return ACCEPTED;
  });

  return {
    address: new URL(server.url).host,
    async idle() {
      while (!asking) {
        if (failedToStart) throw new FunctionError(failedToStart);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    invoke: ({ requestId, event, functionArn, deadlineMs }) =>
      new Promise((end) => {
        if (!asking) throw new Error("the runtime does not ask for an invocation");
        const answer = asking;
        asking = undefined;
        current = { requestId, end };
        answer({
          status: 200,
          headers: {
            "lambda-runtime-aws-request-id": requestId,
            "lambda-runtime-deadline-ms": String(deadlineMs),
            "lambda-runtime-invoked-function-arn": functionArn,
            "lambda-runtime-trace-id": "Root=1-65601d2e-0123456789abcdef01234567;Sampled=0",
          },
          body: JSON.stringify(event),
        });
      }),
    close: () => server.close(),
  };
}
