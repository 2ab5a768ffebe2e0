/**
 * The doorbell on AWS. Now: an asynchronous invocation of the function `tick`. Later: one schedule of EventBridge
 * Scheduler for a minute, named after it, so that all rings for the same minute create the same schedule and
 * "already exists" is success. A schedule is precise to a minute only; it is set a minute early, and the tick, warm by
 * then, sleeps until the task is due.
 *
 * A name is only ever used for a time that is still to come. A schedule that has fired may be there for a while
 * before EventBridge deletes it; taken for one that is still to fire, it would cost a wake-up.
 */
import type { Doorbell, Logger, TickEvent } from "#core";
import { isLook } from "../core/doorbell/doorbell.ts";
import {
  LOOK_STEP_MS,
  RING_ANSWER_LIMIT_MS,
  RING_CONNECT_LIMIT_MS,
  RING_LIMIT_MS,
  RING_TRIES,
  WAKE_UP_AGE_SECONDS,
  WAKE_UP_RETRIES,
} from "../core/limits.ts";
import { missingPeer } from "../core/peer.ts";

/** What the SDK's clients are for; Lambda's runtime has them. */
const RINGS = "rings for tasks that run on AWS";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** A schedule that is set a minute early and comes up to a minute late leaves two minutes to sleep. */
const EARLY_MS = 2 * MINUTE_MS;
/** A schedule is set at least so far ahead: its time must be to come when the last try arrives. */
const LEAD_MS = RING_LIMIT_MS;

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

/**
 * Rings a tick on AWS. Nothing of the SDK is loaded before the first ring.
 *
 * A ring throws what the SDK throws when all tries failed, and an Error that says so when they took too long;
 * `ringer.ts` is what logs that and goes on.
 *
 * @example createAwsDoorbell({ tickArn, groupName: "shop-production-tasks", roleArn, log }).ringAt({ atMs, inMs });
 */
export function createAwsDoorbell(options: AwsDoorbellOptions): Doorbell {
  const { tickArn, groupName, roleArn, deadLetterArn, log, now = Date.now } = options;
  const clientOptions = {
    maxAttempts: RING_TRIES,
    requestHandler: {
      connectionTimeout: RING_CONNECT_LIMIT_MS,
      requestTimeout: RING_ANSWER_LIMIT_MS,
      // Without it, a request that takes too long is a warning on the console.
      throwOnRequestTimeout: true,
    },
    ...options.clientOptions,
  };
  // The SDK costs more than half of a cold start, so it is loaded when it is first needed.
  const scheduler = once(async () => {
    const sdk = await import("@aws-sdk/client-scheduler").catch(
      missingPeer("@aws-sdk/client-scheduler", RINGS),
    );
    return { sdk, client: new sdk.SchedulerClient(clientOptions) };
  });
  const lambda = once(async () => {
    const sdk = await import("@aws-sdk/client-lambda").catch(missingPeer("@aws-sdk/client-lambda", RINGS));
    return { sdk, client: new sdk.LambdaClient(clientOptions) };
  });
  /** Schedules that this process made or is making: a thousand tasks of one minute are one request. */
  const made = new Map<string, { fireAtMs: number; creation: Promise<void> }>();

  const ring = async (event: TickEvent = {}) => {
    const { sdk, client } = await lambda();
    const command = new sdk.InvokeCommand({
      FunctionName: tickArn,
      InvocationType: "Event",
      Payload: Buffer.from(JSON.stringify(event)),
    });
    await withinLimit("an invocation of the tick", (limit) => client.send(command, limit));
  };

  const create = async (name: string, fireAtMs: number, event: TickEvent) => {
    const { sdk, client } = await scheduler();
    const command = new sdk.CreateScheduleCommand({
      Name: name,
      GroupName: groupName,
      ScheduleExpression: `at(${new Date(fireAtMs).toISOString().slice(0, 19)})`,
      ScheduleExpressionTimezone: "UTC",
      FlexibleTimeWindow: { Mode: "OFF" },
      ActionAfterCompletion: "DELETE",
      Target: {
        Arn: tickArn,
        RoleArn: roleArn,
        Input: JSON.stringify(event),
        RetryPolicy: {
          MaximumRetryAttempts: WAKE_UP_RETRIES,
          MaximumEventAgeInSeconds: WAKE_UP_AGE_SECONDS,
        },
        ...(deadLetterArn ? { DeadLetterConfig: { Arn: deadLetterArn } } : {}),
      },
    });
    try {
      await withinLimit(`the schedule ${name}`, (limit) => client.send(command, limit));
    } catch (error) {
      if (error instanceof sdk.ConflictException) return;
      if (!(error instanceof sdk.ValidationException)) throw error;
      // By EventBridge's clock its time has passed: ring now. For any other reason the deployment is wrong, and a tick
      // now is the best that can be done; kept in `made`, it does not come again and again.
      const what = "EventBridge Scheduler refused a schedule; ringing now";
      log.error(what, { schedule: name, fireAt: new Date(fireAtMs).toISOString(), error: error.message });
      await ring(event);
    }
  };

  const schedule = (name: string, fireAtMs: number, event: TickEvent = {}): Promise<void> => {
    const known = made.get(name);
    if (known && known.fireAtMs > now()) return known.creation;
    for (const [other, { fireAtMs: past }] of made) if (past <= now()) made.delete(other);
    const creation = create(name, fireAtMs, event);
    made.set(name, { fireAtMs, creation });
    creation.catch(() => made.delete(name));
    return creation;
  };

  /**
   * For a second, rounded up: rings for the same flag that say the same compute the same name. Where a ring only looks,
   * for a longer step: a flag is renewed again and again, and each time its end is another one.
   */
  const scheduleAt = (atMs: number, event: TickEvent = {}) => {
    const stepMs = isLook(event) ? LOOK_STEP_MS : SECOND_MS;
    // Times that were the same take a moment to get here.
    const fromMs = isLook(event) ? atMs - SECOND_MS : atMs;
    const fireAtMs = Math.ceil(Math.max(fromMs, now() + LEAD_MS) / stepMs) * stepMs;
    const said = [event.by, event.failures && "failed", event.askPostgres && "ask"].filter(Boolean);
    return schedule(["look", stamp(fireAtMs, 14), ...said].join("-"), fireAtMs, event);
  };

  return {
    earlyMs: EARLY_MS,
    ring,
    ringAt: async ({ atMs, inMs }) => {
      if (inMs <= EARLY_MS) return ring();
      const minute = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
      const fireAtMs = minute - MINUTE_MS;
      // The minute's own schedule may be about to fire, or have fired by a clock that is ahead: a later one, which
      // comes in time all the same, since the task is due in more than two minutes.
      await (fireAtMs >= now() + LEAD_MS
        ? schedule(`wake-${stamp(minute, 12)}`, fireAtMs)
        : scheduleAt(fireAtMs));
    },
    ringAfter: async (delayMs, event) => scheduleAt(now() + delayMs, event),
  };
}

/** Gives up a request, with all its tries, after its time. The client limits each try. */
async function withinLimit<T>(
  what: string,
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const abortSignal = AbortSignal.timeout(RING_LIMIT_MS);
  try {
    return await send({ abortSignal });
  } catch (error) {
    if (!abortSignal.aborted) throw error;
    throw new Error(`${what} was not accepted within ${RING_LIMIT_MS} ms`, { cause: error });
  }
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
