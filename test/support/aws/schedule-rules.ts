/** What EventBridge Scheduler checks of a schedule before it takes it. */
import { AwsError, constraint } from "./aws-error.ts";

/** What the API takes; what a field may be is for the checks to say. */
export interface CreateScheduleInput {
  GroupName?: unknown;
  ScheduleExpression?: unknown;
  ScheduleExpressionTimezone?: unknown;
  FlexibleTimeWindow?: { Mode?: unknown; MaximumWindowInMinutes?: unknown };
  ActionAfterCompletion?: unknown;
  ClientToken?: unknown;
  Description?: unknown;
  State?: unknown;
  Target?: {
    Arn?: unknown;
    RoleArn?: unknown;
    Input?: unknown;
    DeadLetterConfig?: { Arn?: unknown };
    RetryPolicy?: { MaximumRetryAttempts?: unknown; MaximumEventAgeInSeconds?: unknown };
  };
}

/** What the checks have found to be right. */
export interface CheckedSchedule {
  atMs: number;
  targetArn: string;
  input: string;
  deleted: boolean;
  /** Tells a request that is repeated from another one. */
  token?: string | undefined;
}

const NAME = /^[0-9a-zA-Z\-_.]{1,64}$/;
const NAME_RULE = "Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$";
const TOKEN = /^[a-zA-Z0-9\-_]{1,64}$/;
const LAMBDA_ARN = /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9\-_]+(:[a-zA-Z0-9\-_$]+)?$/;
const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const QUEUE_ARN = /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9\-_]+$/;
const AT = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/;

/**
 * Checks what a CreateSchedule says.
 *
 * @param roleArn the role that the caller may pass, and Scheduler may assume
 * @throws AwsError as EventBridge Scheduler would answer
 */
export function checkSchedule(name: string, input: CreateScheduleInput, roleArn: string): CheckedSchedule {
  if (!NAME.test(name)) throw constraint("name", name, NAME_RULE);
  const { Target: target, FlexibleTimeWindow: flexible, ClientToken: token } = input;
  if (token !== undefined && !matches(TOKEN, token))
    throw constraint(
      "clientToken",
      token,
      "Member must satisfy regular expression pattern: ^[a-zA-Z0-9-_]+$",
    );
  if (!flexible) throw constraint("flexibleTimeWindow", flexible, "Member must not be null");
  oneOf("flexibleTimeWindow.mode", flexible.Mode, ["OFF", "FLEXIBLE"]);
  if ((flexible.Mode === "FLEXIBLE") !== (flexible.MaximumWindowInMinutes !== undefined))
    throw new AwsError("ValidationException", "MaximumWindowInMinutes goes with the mode FLEXIBLE.");
  oneOf("actionAfterCompletion", input.ActionAfterCompletion ?? "NONE", ["NONE", "DELETE"]);
  oneOf("state", input.State ?? "ENABLED", ["ENABLED", "DISABLED"]);
  if (typeof input.Description === "string" && input.Description.length > 512)
    throw constraint("description", input.Description, "Member must have length less than or equal to 512");
  if (!target) throw constraint("target", target, "Member must not be null");
  return {
    atMs: timeOf(input),
    ...checkTarget(target, roleArn),
    deleted: input.ActionAfterCompletion === "DELETE",
    token,
  };
}

function checkTarget(target: NonNullable<CreateScheduleInput["Target"]>, roleArn: string) {
  const { Arn: arn, RoleArn: role, Input: input, DeadLetterConfig: dead, RetryPolicy: retry = {} } = target;
  if (!matches(LAMBDA_ARN, arn))
    throw new AwsError("ValidationException", `Provided Arn is not in correct format: ${String(arn)}`);
  if (!matches(ROLE_ARN, role))
    throw constraint(
      "target.roleArn",
      role,
      "Member must satisfy regular expression pattern: ^arn:aws…:role/…$",
    );
  if (dead && !matches(QUEUE_ARN, dead.Arn))
    throw constraint("target.deadLetterConfig.arn", dead.Arn, "Member must satisfy: ^arn:aws…:sqs:…$");
  const { MaximumRetryAttempts: retries = 185, MaximumEventAgeInSeconds: age = 86_400 } = retry;
  if (!within(retries, 0, 185))
    throw constraint("target.retryPolicy.maximumRetryAttempts", retries, "0 to 185");
  if (!within(age, 60, 86_400))
    throw constraint("target.retryPolicy.maximumEventAgeInSeconds", age, "60 to 86400");
  if (typeof input !== "string" || input.length === 0)
    throw constraint("target.input", input, "Member must have length greater than or equal to 1");
  try {
    JSON.parse(input);
  } catch {
    throw new AwsError("ValidationException", "Target Input must be valid JSON for a Lambda function.");
  }
  // What the caller's policy allows is asked last, when everything else is right.
  if (role !== roleArn)
    throw new AwsError(
      "AccessDeniedException",
      `User is not authorized to perform: iam:PassRole on resource: ${role}`,
    );
  return { targetArn: arn, input };
}

/** When an `at(…)` is. The zone is a field of its own: one in the expression is refused. */
function timeOf({ ScheduleExpression: expression, ScheduleExpressionTimezone: zone }: CreateScheduleInput) {
  const invalid = () =>
    new AwsError("ValidationException", `Invalid Schedule Expression ${String(expression)}.`);
  const text = typeof expression === "string" ? AT.exec(expression)?.[1] : undefined;
  if (text === undefined) throw invalid();
  if (zone !== undefined && zone !== "UTC")
    throw new AwsError("ValidationException", `This stand-in knows UTC only, not ${String(zone)}.`);
  const time = new Date(`${text}Z`);
  // `new Date` would take the 31st of February for the 3rd of March.
  if (Number.isNaN(time.getTime()) || time.toISOString().slice(0, 19) !== text) throw invalid();
  return time.getTime();
}

function oneOf(field: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string))
    throw constraint(field, value, `Member must satisfy enum value set: [${allowed.join(", ")}]`);
}

const matches = (pattern: RegExp, value: unknown): value is string =>
  typeof value === "string" && pattern.test(value);
const within = (value: unknown, min: number, max: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
