/** What an invocation of a function may carry: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
import { AwsError } from "./aws-error.ts";

/** Whether the caller waits for the answer. */
export type InvocationType = "RequestResponse" | "Event";

export const EVENT_LIMIT_BYTES: Readonly<Record<InvocationType, number>> = {
  RequestResponse: 6 * 1024 * 1024,
  Event: 1024 * 1024,
};

/**
 * @param payload the event as JSON
 * @throws AwsError as Lambda refuses what is too large
 */
export function checkEventSize(type: InvocationType, payload: string): void {
  const bytes = Buffer.byteLength(payload);
  const limit = EVENT_LIMIT_BYTES[type];
  if (bytes <= limit) return;
  throw new AwsError(
    "RequestEntityTooLargeException",
    type === "Event"
      ? `${bytes} byte payload is too large for the Event invocation type (limit ${limit} bytes)`
      : `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
  );
}
