/** Lambda's Invoke, as far as a doorbell meets it: asynchronous, of functions that the caller may invoke. */
import { AwsError } from "./aws-error.ts";
import { checkEventSize } from "./event-limits.ts";

export interface Invocation {
  functionArn: string;
  event: unknown;
}

/** A name, a partial or a whole ARN, qualified or not. */
const FUNCTION_NAME =
  /^(arn:aws[a-zA-Z-]*:lambda:)?([a-z]{2}(-gov|-isob?)?-[a-z]+-\d:)?(\d{12}:)?(function:)?[a-zA-Z0-9\-_.]+(:(\$LATEST|[a-zA-Z0-9\-_]+))?$/;

/**
 * Checks an Invoke and says what it invokes.
 *
 * @param known ARNs of the functions that there are
 * @throws AwsError as Lambda would answer
 */
export function checkInvoke(
  known: readonly string[],
  { name, type, payload }: { name: string; type: unknown; payload: string },
): Invocation {
  if (!FUNCTION_NAME.test(name) || name.length > 170)
    throw new AwsError("InvalidParameterValueException", `${name} is not the name of a function.`);
  // Another type would wait for the tick, or answer with what it returned.
  if (type !== "Event")
    throw new AwsError(
      "InvalidParameterValueException",
      `A doorbell rings with Event, not with ${String(type)}.`,
    );
  checkEventSize(type, payload);
  const functionArn = known.find((arn) => name === arn || name === arn.split(":").at(-1));
  if (!functionArn) throw new AwsError("ResourceNotFoundException", `Function not found: ${name}`);
  return { functionArn, event: parse(payload) };
}

function parse(payload: string): unknown {
  if (payload === "") return {};
  try {
    return JSON.parse(payload);
  } catch {
    throw new AwsError("InvalidRequestContentException", "Could not parse request body into json.");
  }
}
