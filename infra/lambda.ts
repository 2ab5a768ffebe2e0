/** What all of Tickwork's functions have in common. The app's other functions are not touched. */
import { arn, service } from "./names.ts";
import { logRetention } from "./stage.ts";

export type FunctionArgs = Omit<sst.aws.FunctionArgs, "name" | "environment" | "permissions"> & {
  environment?: Record<string, $util.Input<string>>;
  permissions?: sst.aws.FunctionPermissionArgs[];
};

/** The subnets and security groups of a function. */
export type Network = FunctionArgs["vpc"];

export interface LambdaOptions {
  /** Its last name: `tick` becomes the function `app-stage-tick`, which logs to `/aws/lambda/app-stage-tick`. */
  name: string;
  /** Log everything. */
  debugging: boolean;
  /** What its connection to Postgres needs in its environment. */
  certificates: $util.Input<Record<string, string>>;
  /** What must exist before this version of the code is deployed. */
  after?: $util.Resource[];
}

export function lambda(
  logicalName: string,
  { name, debugging, certificates, after = [] }: LambdaOptions,
  args: FunctionArgs,
) {
  const functionName = `${service}-${name}`;
  return new sst.aws.Function(logicalName, {
    runtime: "nodejs24.x",
    architecture: "arm64",
    logging: { format: "json", retention: logRetention },
    // `sst dev` deploys it as it is; `npm start` runs it on one machine.
    dev: false,
    ...args,
    name: functionName,
    environment: $util
      .all([certificates, args.environment ?? {}])
      .apply(([file, given]) => ({ ...file, ...given, TICKWORK_SERVICE: service })),
    permissions: [
      ...(args.permissions ?? []),
      writeLogs(functionName),
      ...(args.vpc ? joinNetwork(functionName) : []),
    ],
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
        // SST 4.17.1 tests whether an Output is false, which it never is, and so lets the account's root assume every
        // function's role, which only `sst dev` needs.
        given.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
        // AWSLambdaBasicExecutionRole and AWSLambdaVPCAccessExecutionRole would allow writing to every log group of the
        // account, and the second one also the function's code to change networks.
        given.managedPolicyArns = [];
        return undefined;
      },
    },
  });
}

/**
 * What Lambda itself does in the function's name to connect it to a VPC. Two of these actions know no narrower resource,
 * and subnets may be shared by another account, so instead of the resources the caller is limited: what comes from the
 * function's code is denied. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
function joinNetwork(functionName: string): sst.aws.FunctionPermissionArgs[] {
  const actions = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ];
  const code = {
    test: "ArnEquals",
    variable: "lambda:SourceFunctionArn",
    values: [arn("lambda", `function:${functionName}`)],
  };
  return [
    { actions, resources: ["*"] },
    { effect: "deny", actions, resources: ["*"], conditions: [code] },
  ];
}

/** Lambda names the log streams when it creates them, so the group is as narrow as it gets. */
function writeLogs(functionName: string): sst.aws.FunctionPermissionArgs {
  return {
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    resources: [arn("logs", `log-group:/aws/lambda/${functionName}:*`)],
  };
}
