/** The doorbell of AWS with stand-ins of AWS behind it. Its clock stands still, unless it is given one. */
import { createLogger, type Doorbell } from "#core";
import { createAwsDoorbell } from "../../../packages/aws/doorbell.ts";
import { type AwsEndpoint, type AwsOptions, serveAws } from "./aws-endpoint.ts";

const ACCOUNT = "123456789012";
export const TICK_ARN = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:tickwork-test-tick`;
export const GROUP = "tickwork-test-tasks";
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/tickwork-test-scheduler`;
export const DEAD_LETTER_ARN = `arn:aws:sqs:us-east-1:${ACCOUNT}:tickwork-test-dead-letters`;

/** What the SDK would find in the environment of a function. */
export const AWS_ENV = {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

export interface OpenDoorbell {
  doorbell: Doorbell;
  aws: AwsEndpoint;
  log: Record<string, unknown>[];
  /** What time it is, to set; of no effect where `now` was given. */
  clock: { nowMs: number };
  /** Another process with the same doorbell. */
  another(): Doorbell;
  close(): Promise<void>;
}

export interface OpenOptions extends Partial<AwsOptions> {
  /** What the doorbell is told, where that is not what there is. */
  tells?: { tickArn?: string; groupName?: string; roleArn?: string; deadLetterArn?: string };
  /** Options of the SDK's clients. */
  sdk?: Record<string, unknown>;
  /** When it is. Default: 24 November 2026, 09:00:30. */
  at?: string;
}

export async function openDoorbell({
  tells = {},
  sdk = {},
  at = "2026-11-24T09:00:30Z",
  ...options
}: OpenOptions = {}): Promise<OpenDoorbell> {
  const clock = { nowMs: Date.parse(at) };
  const { now = () => clock.nowMs } = options;
  const aws = await serveAws({
    functionArns: [TICK_ARN],
    groupName: GROUP,
    roleArn: ROLE_ARN,
    ...options,
    now,
  });
  const log: Record<string, unknown>[] = [];
  const another = () =>
    createAwsDoorbell({
      tickArn: TICK_ARN,
      groupName: GROUP,
      roleArn: ROLE_ARN,
      deadLetterArn: DEAD_LETTER_ARN,
      ...tells,
      now,
      log: createLogger({
        level: "debug",
        write: (line) => log.push(JSON.parse(line) as Record<string, unknown>),
      }),
      clientOptions: {
        endpoint: aws.url,
        region: AWS_ENV.AWS_REGION,
        credentials: {
          accessKeyId: AWS_ENV.AWS_ACCESS_KEY_ID,
          secretAccessKey: AWS_ENV.AWS_SECRET_ACCESS_KEY,
        },
        ...sdk,
      },
    });
  return { doorbell: another(), aws, log, clock, another, close: () => aws.close() };
}
