import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

/** Long enough for any test. */
const TIME_LEFT_MS = 24 * 60 * 60 * 1000;

/** A function's context, as Lambda gives it. */
export function lambdaContext(functionName: string): Context {
  const nothing = () => {};
  return {
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: "0",
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => TIME_LEFT_MS,
    done: nothing,
    fail: nothing,
    succeed: nothing,
  };
}
