/**
 * The queue for calls that failed for good. No task is lost with such a call: tasks are rows in Postgres, and the next
 * refresh rings for them again. A message here means that something is broken.
 */
import { service } from "./names.ts";

const TWO_WEEKS_SECONDS = 14 * 24 * 60 * 60;

export function deadLetterQueue() {
  return new aws.sqs.Queue("TickworkDeadLetters", {
    name: `${service}-dead-letters`,
    // The longest that SQS allows.
    messageRetentionSeconds: TWO_WEEKS_SECONDS,
    sqsManagedSseEnabled: true,
  });
}

/** The settings of a function whose failed asynchronous calls Lambda puts into the queue, in the function's name. */
export function retriedThenDead(queue: aws.sqs.Queue) {
  return {
    // After about one minute, then about two.
    retries: 2,
    permission: { actions: ["sqs:SendMessage"], resources: [queue.arn] },
    eventInvokeConfig: { destinationConfig: { onFailure: { destination: queue.arn } } },
  };
}
