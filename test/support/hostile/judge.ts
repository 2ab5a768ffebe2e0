/** What must not happen, whatever is sent. */
import type { Described } from "./described.ts";
import type { HttpRequest } from "./requests.ts";
import type { State } from "./state.ts";
import type { WireAnswer } from "./wire.ts";

/** What Lambda takes from a function. */
const ANSWER_LIMIT_BYTES = 6 * 1024 * 1024;

export function* complaints(
  described: Described,
  request: HttpRequest,
  answer: WireAnswer | undefined,
  before: State,
  after: State,
): Generator<string> {
  yield* harm(before, after, answer !== undefined && answer.status >= 400 && answer.status < 500);
  if (!answer?.complete) {
    yield answer ? "the answer was cut off" : "there was no answer";
    return;
  }
  const { status, bytes } = answer;
  const operation = described.find(request.method === "HEAD" ? "GET" : request.method, pathOf(request));
  if (status >= 500 && !(operation?.operationId === "health" && status === 500)) yield `answered ${status}`;
  if (bytes > ANSWER_LIMIT_BYTES) yield "the answer is too large for Lambda";
  // The dashboard is not of the API.
  const isPage = pathOf(request) === "/";
  const complaint = request.method === "HEAD" || isPage ? undefined : described.complaint(operation, answer);
  if (complaint) yield `not as described (${status}): ${generalised(complaint)}`;
}

/** What a request has done to the server, whatever it answered. */
export function* harm(before: State, after: State, refused: boolean): Generator<string> {
  for (const line of after.errors) yield `the server logged: ${generalised(line)}`;
  if (refused && before.fingerprint !== after.fingerprint) yield "it was refused, and a row changed";
}

/** What of a described request may come beside a success. */
export function expectedOfValid(operationId: string, { status, text }: WireAnswer): boolean {
  if (status < 300 || status === 404 || status === 409) return true;
  // Some keys are wrong, and some times are past.
  if (operationId === "signIn" && status === 401) return true;
  if (operationId === "createKey" && status === 422) return text.includes("a time in the future");
  // Some zones and times there are not, and some types.
  if ((operationId === "putSchedule" || operationId === "scheduleTimes") && status === 422) return true;
  if (operationId === "pause" && status === 422) return text.includes("unknown_type");
  if ((operationId === "resume" || operationId === "removeLimit") && status === 422)
    return text.includes("must name one of");
  return (
    (operationId === "createTasks" || operationId === "bulk") &&
    status === 422 &&
    text.includes("idempotency_key_reused")
  );
}

/** As a server reads it: an address is allowed there, and dots are resolved. */
function pathOf({ target }: HttpRequest): string {
  const address = target.startsWith("/") ? `http://localhost${target}` : target;
  return URL.canParse(address) ? new URL(address).pathname : target;
}

/** Without what differs from one request to the next. */
export function generalised(text: string): string {
  return text
    .replaceAll(/"timestamp":"[^"]*",?/g, "")
    .replaceAll(/"requestId":"[^"]*",?/g, "")
    .replaceAll(/\d+/g, "n")
    .slice(0, 300);
}

export function describeRequest({ method, target, headers, body }: HttpRequest): string {
  const shown = body === undefined ? "" : body.toString("utf8").slice(0, 300);
  const others = headers.filter(([name]) => name !== "authorization" && name !== "content-type");
  return `${method} ${target.slice(0, 200)} ${others.length > 0 ? JSON.stringify(others).slice(0, 200) : ""} ${JSON.stringify(shown)}`;
}
