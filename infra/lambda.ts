/** What all functions have in common. Given to each, and not to the other functions of the app that this is part of. */
import { arn, service } from "./names.ts";
import { logRetention } from "./stage.ts";

export type FunctionArgs = Omit<sst.aws.FunctionArgs, "name" | "environment" | "permissions"> & {
  environment?: Record<string, $util.Input<string>>;
  permissions?: sst.aws.FunctionPermissionArgs[];
};

export interface LambdaOptions {
  /** Its last name: `tick` becomes the function `app-stage-tick`, which logs to `/aws/lambda/app-stage-tick`. */
  name: string;
  /** Log everything. */
  debugging: boolean;
  /** What has to be there before this version of the code is. */
  after?: $util.Resource[];
}

export function lambda(
  logicalName: string,
  { name, debugging, after = [] }: LambdaOptions,
  args: FunctionArgs,
) {
  const functionName = `${service}-${name}`;
  return new sst.aws.Function(logicalName, {
    runtime: "nodejs24.x",
    architecture: "arm64",
    logging: { format: "json", retention: logRetention },
    // Deployed as it is in `sst dev` too: `npm start` is the way to run it on one machine.
    dev: false,
    ...args,
    name: functionName,
    environment: { ...args.environment, TICKWORK_SERVICE: service },
    permissions: [...(args.permissions ?? []), writeLogs(functionName)],
    transform: {
      ...args.transform,
      function: (given, options) => {
        options.dependsOn = after;
        if (debugging)
          given.loggingConfig = $util
            .output(given.loggingConfig)
            .apply((config) => ({ logFormat: "JSON", ...config, applicationLogLevel: "DEBUG" }));
        return undefined;
      },
      role: (given) => {
        // SST 4.17.1 asks whether an Output is false, which it never is, and so lets the account's root assume the
        // role of every function, as only `sst dev` needs.
        given.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
        // AWSLambdaBasicExecutionRole would allow to write to every log group of the account.
        given.managedPolicyArns = [];
        return undefined;
      },
    },
  });
}

/** Lambda names the log streams when it makes them, so the group is as narrow as it goes. */
function writeLogs(functionName: string): sst.aws.FunctionPermissionArgs {
  return {
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    resources: [arn("logs", `log-group:/aws/lambda/${functionName}:*`)],
  };
}
