/** What Pulumi's providers would answer: only the outputs that other resources are built from. */

export const ACCOUNT = "123456789012";
export const REGION = "us-east-1";

type Values = Record<string, unknown>;

/** A request to Pulumi's mocks. */
export interface ResourceRequest {
  type: string;
  name: string;
  inputs: Values;
  custom?: boolean;
  id?: string;
}

const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** By type: what the provider computes from a resource's name and inputs. */
const COMPUTED: Record<string, (name: string, inputs: Values) => Values> = {
  "aws:lambda/function:Function": (name) => ({
    arn: arn("lambda", `function:${name}`),
    invokeArn: `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${name}/invocations`,
    publish: false,
  }),
  "aws:lambda/functionUrl:FunctionUrl": (_, { functionName }) => ({
    functionUrl: `https://${String(functionName)}.lambda-url.${REGION}.on.aws/`,
  }),
  "aws:iam/role:Role": (name) => ({ arn: `arn:aws:iam::${ACCOUNT}:role/${name}` }),
  "aws:scheduler/scheduleGroup:ScheduleGroup": (name) => ({
    arn: arn("scheduler", `schedule-group/${name}`),
  }),
  "aws:sqs/queue:Queue": (name) => ({ arn: arn("sqs", name) }),
  "aws:sns/topic:Topic": (name) => ({ arn: arn("sns", name) }),
  "aws:cloudwatch/logGroup:LogGroup": (name) => ({ arn: arn("logs", `log-group:${name}`) }),
  "aws:s3/bucketObjectv2:BucketObjectv2": (_, { bucket, key }) => ({ bucket, key }),
  "aws:apigatewayv2/api:Api": (name) => ({
    apiEndpoint: `https://${name}.execute-api.${REGION}.amazonaws.com`,
    executionArn: arn("execute-api", name),
  }),
  "aws:rds/instance:Instance": () => ({ endpoint: `${PRIVATE.postgres}:5432`, port: 5432 }),
  "aws:elasticache/replicationGroup:ReplicationGroup": () => ({
    clusterEnabled: false,
    primaryEndpointAddress: PRIVATE.redis,
  }),
  "random:index/randomBytes:RandomBytes": () => ({ base64: "a2V5", hex: "6b6579" }),
  "random:index/randomPassword:RandomPassword": (name) => ({
    result: name === "TickworkGeneratedApiKey" ? GENERATED.apiKey : GENERATED.password,
  }),
  "neon:index/project:Project": () => ({ connectionUriPooler: GENERATED.databaseUrl }),
  "upstash:index/redisDatabase:RedisDatabase": () => ({
    endpoint: "made.upstash.example",
    restToken: GENERATED.redisToken,
  }),
};

/** The hosts of AWS's own databases. */
export const PRIVATE = {
  postgres: "made.abc.us-east-1.rds.amazonaws.com",
  redis: "master.made.abc.use1.cache.amazonaws.com",
};

/** Secrets that providers generate. */
export const GENERATED = {
  apiKey: "generated-api-key",
  password: "generated/pass#word",
  databaseUrl: "postgres://tasks:generated@made-pooler.us-east-1.aws.neon.tech/tasks",
  redisToken: "generated-redis-token",
};

export function newResource({ type, name, inputs, id }: ResourceRequest): { id: string; state: Values } {
  const physical = String(inputs.name ?? inputs.bucket ?? name);
  return {
    id: id || `${physical}-id`,
    state: { name: physical, ...inputs, ...COMPUTED[type]?.(physical, inputs) },
  };
}

const CALLS: Record<string, (inputs: Values) => Values> = {
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ accountId: ACCOUNT }),
  "aws:index/getRegion:getRegion": () => ({ region: REGION, name: REGION }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    names: ["a", "b", "c"].map((zone) => `${REGION}${zone}`),
  }),
  "aws:index/getPartition:getPartition": () => ({ partition: "aws" }),
  "aws:iam/getPolicyDocument:getPolicyDocument": ({ statements }) => {
    const list = (statements ?? []) as StatementInput[];
    // SST tests whether `statements` is present, so it must be absent when it is empty.
    return { json: policyDocument(list), ...(list.length > 0 && { statements: list }) };
  },
};

export function call({ token, inputs }: { token: string; inputs: Values }): Values {
  const answer = CALLS[token];
  if (!answer) throw new Error(`no mock for the call ${token}`);
  return answer(inputs);
}

interface StatementInput {
  effect?: string;
  actions: string[];
  resources?: string[];
  principals?: { type: string; identifiers: string[] }[];
  conditions?: { test: string; variable: string; values: string[] }[];
}

/** A policy as the provider renders it. */
function policyDocument(statements: StatementInput[]): string {
  const one = (values: string[]) => (values.length === 1 ? values[0] : values);
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map(({ effect = "Allow", actions, resources, principals, conditions = [] }) => ({
      Effect: effect,
      Action: one(actions),
      ...(resources && { Resource: one(resources) }),
      ...(principals && {
        Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, one(identifiers)])),
      }),
      ...(conditions.length > 0 && {
        Condition: Object.fromEntries(
          [...new Set(conditions.map(({ test }) => test))].map((test) => [
            test,
            Object.fromEntries(
              conditions
                .filter((condition) => condition.test === test)
                .map(({ variable, values }) => [variable, one(values)]),
            ),
          ]),
        ),
      }),
    })),
  });
}
