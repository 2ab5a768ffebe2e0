/**
 * An endpoint that answers as EventBridge Scheduler and Lambda do, over their real HTTP: requests must be signed for
 * the service, what they say is checked, and failures come as the test asks for.
 */
import { AwsError } from "./aws-error.ts";
import { type HttpAnswer, type HttpRequest, serveHttp } from "./http-server.ts";
import { checkInvoke, type Invocation } from "./invoke-service.ts";
import type { CreateScheduleInput } from "./schedule-rules.ts";
import { createSchedulerService, type SchedulerOptions, type SchedulerService } from "./scheduler-service.ts";

/** One request that arrived, tries of the SDK included. */
export interface AwsRequest {
  operation: "CreateSchedule" | "Invoke";
  /** Of the schedule or of the function. */
  name: string;
  body: Record<string, unknown>;
  /** `ok`, or what was answered instead. */
  answer: string;
  arrivedAtMs: number;
}

/**
 * Instead of an answer: an error; an end of the connection before anything is done, or after it, so that the answer is
 * lost; or an answer that takes its time.
 */
export type Fault = AwsError | "drop" | "lose" | { afterMs: number };

export interface AwsEndpoint {
  url: string;
  requests: AwsRequest[];
  /** What Lambda has accepted. */
  invocations: Invocation[];
  scheduler: SchedulerService;
  /** Asked for every request; `nth` counts those for the same name, from 1. */
  faults: { of?: (request: Pick<AwsRequest, "operation" | "name">, nth: number) => Fault | undefined };
  close(): Promise<void>;
}

export interface AwsOptions extends SchedulerOptions {
  /** The functions that there are, and that the caller may invoke. */
  functionArns: readonly string[];
  /** Told of each asynchronous invocation that was accepted. */
  onInvoke?: (invocation: Invocation) => void;
}

const INVOKE_PATH = /^\/2015-03-31\/functions\/(.+)\/invocations$/;
const SCHEDULE_PATH = /^\/schedules\/(.+)$/;
const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/(\w+)\/aws4_request, SignedHeaders=[^,]*host[^,]*, Signature=[0-9a-f]{64}$/;

export async function serveAws(options: AwsOptions): Promise<AwsEndpoint> {
  const scheduler = createSchedulerService(options);
  const requests: AwsRequest[] = [];
  const invocations: Invocation[] = [];
  const faults: AwsEndpoint["faults"] = {};

  const createSchedule = (name: string, body: string): HttpAnswer => ({
    status: 200,
    body: scheduler.create(name, JSON.parse(body) as CreateScheduleInput),
  });
  const invoke = (name: string, { headers, body }: HttpRequest): HttpAnswer => {
    const type = headers["x-amz-invocation-type"];
    const invocation = checkInvoke(options.functionArns, { name, type, payload: body });
    invocations.push(invocation);
    options.onInvoke?.(invocation);
    return { status: 202 };
  };

  const server = await serveHttp(async (request) => {
    const named = operationOf(request);
    const nth = requests.filter(({ name }) => name === named.name).length + 1;
    const noted: AwsRequest = {
      ...named,
      body: objectOf(request.body),
      answer: "ok",
      arrivedAtMs: Date.now(),
    };
    requests.push(noted);
    try {
      checkSignature(request, named.operation);
      const fault = faults.of?.(named, nth);
      if (fault === "drop") {
        noted.answer = "drop";
        request.drop();
        return undefined;
      }
      if (fault instanceof AwsError) throw fault;
      if (fault && fault !== "lose") await pause(fault.afterMs, request.gone);
      const answer =
        named.operation === "Invoke" ? invoke(named.name, request) : createSchedule(named.name, request.body);
      if (fault !== "lose") return answer;
      request.drop();
      return undefined;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      noted.answer = error.code;
      return {
        status: error.status,
        headers: { "x-amzn-errortype": error.code },
        body: { Message: error.message },
      };
    }
  });
  return { url: server.url, requests, invocations, scheduler, faults, close: () => server.close() };
}

function operationOf({ method, path }: HttpRequest): Pick<AwsRequest, "operation" | "name"> {
  const invoked = method === "POST" ? INVOKE_PATH.exec(path)?.[1] : undefined;
  if (invoked) return { operation: "Invoke", name: invoked };
  const schedule = method === "POST" ? SCHEDULE_PATH.exec(path)?.[1] : undefined;
  if (schedule) return { operation: "CreateSchedule", name: schedule };
  throw new Error(`a doorbell has no business with ${method} ${path}`);
}

/** Signed at all, and for the service that it is for; the signature itself is the SDK's affair. */
function checkSignature({ headers }: HttpRequest, operation: AwsRequest["operation"]): void {
  const service = SIGNATURE.exec(headers.authorization ?? "")?.[1];
  if (service !== (operation === "Invoke" ? "lambda" : "scheduler"))
    throw new AwsError("AccessDeniedException", `The request is signed for ${service ?? "nobody"}.`);
}

function objectOf(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Until the time is over, or nobody waits for the answer any more. */
function pause(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    gone.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
