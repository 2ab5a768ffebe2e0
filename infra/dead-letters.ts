/**
 * Where calls end that failed for good. No task is lost with one: tasks are rows in Postgres, and the next refresh
 * rings for them again. A message here says that something is broken.
 */
import { service } from "./names.ts";

const TWO_WEEKS_SECONDS = 14 * 24 * 60 * 60;

export function deadLetterQueue() {
  return new aws.sqs.Queue("TickworkDeadLetters", {
    name: `${service}-dead-letters`,
    // The longest that SQS knows.
    messageRetentionSeconds: TWO_WEEKS_SECONDS,
    sqsManagedSseEnabled: true,
  });
}

/** For a function whose failed asynchronous calls Lambda puts into the queue, in that function's name. */
export function retriedThenDead(queue: aws.sqs.Queue) {
  return {
    // After about one minute and about two.
    retries: 2,
    permission: { actions: ["sqs:SendMessage"], resources: [queue.arn] },
    eventInvokeConfig: { destinationConfig: { onFailure: { destination: queue.arn } } },
  };
}
