/**
 * The doorbell on AWS. Now: an asynchronous invocation of the function `tick`. Later: one schedule of EventBridge
 * Scheduler for a minute, named after it, so that everybody who rings for the same minute makes the same schedule and
 * "already exists" is success. A schedule is precise to a minute only; it is set a minute early, and the tick, warm by
 * then, sleeps until the task is due.
 */
import type { Doorbell } from "./doorbell.ts";
import type { Logger } from "./log.ts";

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;

/** A schedule that is set a minute early and comes up to a minute late leaves two minutes to sleep. */
const EARLY_MS = 2 * MINUTE_MS;
/** The SDK's own retries, with jitter: throttling and connection failures. */
const AWS_ATTEMPTS = 4;

export interface AwsDoorbellOptions {
  tickArn: string;
  /** The group that all schedules are in. */
  groupName: string;
  /** What EventBridge Scheduler assumes to invoke the tick. */
  roleArn: string;
  deadLetterArn?: string | undefined;
  log: Logger;
  now?: () => number;
  /** For tests: where the SDK's clients send their requests. */
  clientOptions?: Record<string, unknown>;
}

export function createAwsDoorbell(options: AwsDoorbellOptions): Doorbell {
  const { tickArn, groupName, roleArn, deadLetterArn, log, now = Date.now } = options;
  const clientOptions = { maxAttempts: AWS_ATTEMPTS, ...options.clientOptions };
  // The SDK costs more than half of a cold start, so it is loaded when it is first needed.
  const scheduler = once(async () => {
    const sdk = await import("@aws-sdk/client-scheduler");
    return { sdk, client: new sdk.SchedulerClient(clientOptions) };
  });
  const lambda = once(async () => {
    const sdk = await import("@aws-sdk/client-lambda");
    return { sdk, client: new sdk.LambdaClient(clientOptions) };
  });
  /** Schedules that this process made or is making: a thousand tasks of one minute are one request. */
  const made = new Map<string, { fireAtMs: number; creation: Promise<void> }>();

  const ring: Doorbell["ring"] = async (event = {}) => {
    const { sdk, client } = await lambda();
    await client.send(
      new sdk.InvokeCommand({
        FunctionName: tickArn,
        InvocationType: "Event",
        Payload: Buffer.from(JSON.stringify(event)),
      }),
    );
  };

  const create = async (name: string, fireAtMs: number) => {
    const { sdk, client } = await scheduler();
    try {
      await client.send(
        new sdk.CreateScheduleCommand({
          Name: name,
          GroupName: groupName,
          ScheduleExpression: `at(${new Date(fireAtMs).toISOString().slice(0, 19)})`,
          ScheduleExpressionTimezone: "UTC",
          FlexibleTimeWindow: { Mode: "OFF" },
          ActionAfterCompletion: "DELETE",
          Target: {
            Arn: tickArn,
            RoleArn: roleArn,
            Input: "{}",
            ...(deadLetterArn ? { DeadLetterConfig: { Arn: deadLetterArn } } : {}),
          },
        }),
      );
    } catch (error) {
      if (error instanceof sdk.ConflictException) return;
      if (!(error instanceof sdk.ValidationException)) throw error;
      // A time that is past by the time that it arrives: then it is time.
      log.warn("a schedule was refused; ringing now", { name, error: error.message });
      await ring();
    }
  };

  const schedule = (name: string, fireAtMs: number): Promise<void> => {
    const known = made.get(name);
    if (known && known.fireAtMs > now()) return known.creation;
    for (const [other, { fireAtMs: past }] of made) if (past <= now()) made.delete(other);
    const creation = create(name, fireAtMs);
    made.set(name, { fireAtMs, creation });
    creation.catch(() => made.delete(name));
    return creation;
  };

  return {
    earlyMs: EARLY_MS,
    ring,
    ringAt: async ({ atMs, inMs }) => {
      if (inMs <= EARLY_MS) return ring();
      const minute = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
      await schedule(`wake-${stamp(minute, 12)}`, minute - MINUTE_MS);
    },
    ringAfter: async (delayMs) => {
      // To the second, rounded up: whoever waits for the same flag computes the same name.
      const at = Math.ceil((now() + delayMs) / SECOND_MS) * SECOND_MS;
      await schedule(`look-${stamp(at, 14)}`, at);
    },
  };
}

/** `202611240900` of a time in UTC, to so many digits. */
function stamp(ms: number, digits: number): string {
  return new Date(ms).toISOString().replace(/\D/g, "").slice(0, digits);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
