/**
 * The queue for calls that failed for good. No task is lost with such a call: tasks are rows in Postgres, and the next
 * refresh rings for them again. A message here means that something is broken.
 */
import { WAKE_UP_AGE_SECONDS } from "../packages/core/limits.ts";
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
    eventInvokeConfig: {
      // As for a wake-up of EventBridge. Lambda's default is six hours, which would keep a backlog of calls that
      // refreshes have long made up for, and hide from everybody that there is no execution free.
      maximumEventAgeInSeconds: WAKE_UP_AGE_SECONDS,
      destinationConfig: { onFailure: { destination: queue.arn } },
    },
  };
}
