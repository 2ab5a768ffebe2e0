/** Exactly who may do what, and that no secret is in the clear. */
import { describe, expect, test } from "vitest";
import { GENERATED } from "../support/infra/mocks.ts";
import { list, program, type Statement } from "../support/infra/program.ts";
import { type ScenarioName, SECRETS } from "../support/infra/scenarios.ts";

const STAGES: ScenarioName[] = ["dev", "production", "pr-7"];
const ACCOUNT = "us-east-1:123456789012";

const allow = (Action: Statement["Action"], Resource: string, Condition?: Statement["Condition"]) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...(Condition && { Condition }),
});

describe("what the handlers that ship may do", () => {
  const { statements, environment } = program("handlers");
  const shipped = ({ Action }: Statement) => /^(ses|s3):/.test(list(Action)[0] ?? "");

  test("is the right to send and to store, of tick alone, and only where a setting asks for it", () => {
    expect(statements("TickworkTickRole").filter(shipped)).toEqual([
      allow(["ses:SendEmail", "ses:SendRawEmail"], `arn:aws:ses:${ACCOUNT}:identity/*`),
      allow(["s3:PutObject", "s3:AbortMultipartUpload"], "arn:aws:s3:::exports/daily/*"),
    ]);
    for (const name of ["Refresh", "Api", "Migrate"])
      expect(statements(`Tickwork${name}Role`).filter(shipped)).toEqual([]);
    expect(program("dev").statements("TickworkTickRole").filter(shipped)).toEqual([]);
    expect(environment("TickworkTickFunction")).toMatchObject({
      EMAIL_SES: "true",
      EXPORT_TO: "s3://exports/daily",
    });
  });
});

describe.each(STAGES)("%s", (stage) => {
  const { one, all, statements, trust, resources, app } = program(stage);
  const service = `tickwork-${app.stage}`;
  const tick = `arn:aws:lambda:${ACCOUNT}:function:${service}-tick`;
  const deadLetters = `arn:aws:sqs:${ACCOUNT}:${service}-dead-letters`;
  const logs = (name: string) =>
    allow(
      ["logs:CreateLogStream", "logs:PutLogEvents"],
      `arn:aws:logs:${ACCOUNT}:log-group:/aws/lambda/${service}-${name}:*`,
    );
  const ringing = [
    allow("lambda:InvokeFunction", tick),
    allow("scheduler:CreateSchedule", `arn:aws:scheduler:${ACCOUNT}:schedule/${service}-tasks/*`),
    allow("iam:PassRole", `arn:aws:iam::123456789012:role/${service}-scheduler`, {
      StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" },
    }),
  ];
  const dead = allow("sqs:SendMessage", deadLetters);

  test.each([
    ["TickworkTickRole", [...ringing, dead, logs("tick")]],
    ["TickworkRefreshRole", [...ringing, dead, logs("refresh")]],
    ["TickworkApiRole", [...ringing, logs("api")]],
    ["TickworkMigrateRole", [logs("migrate")]],
    ["TickworkScheduler", [allow("lambda:InvokeFunction", tick), dead]],
    [
      "TickworkRefreshRuleRole",
      [allow("lambda:InvokeFunction", `arn:aws:lambda:${ACCOUNT}:function:${service}-refresh`), dead],
    ],
  ])("%s may do this and no more", (role, expected) => {
    expect(statements(role)).toEqual(expected);
    expect(list(one(role).inputs.managedPolicyArns)).toEqual([]);
  });

  test("there are no other roles, and no separately attached policies", () => {
    expect(all("aws:iam/role:Role")).toHaveLength(6);
    expect(resources.filter(({ type }) => /^aws:iam\/(?!role:Role)|Policy$/.test(type))).toEqual([]);
  });

  test("a wildcard stands only for names that AWS or the clock makes, within a resource of ours", () => {
    for (const { name } of all("aws:iam/role:Role"))
      for (const { Action, Resource } of statements(name)) {
        for (const action of list(Action)) expect(action, name).not.toContain("*");
        for (const resource of list(Resource))
          expect(resource.replace(OWN_NAMES, ""), name).not.toContain("*");
      }
  });

  test("only Lambda may assume the functions' roles", () => {
    for (const name of ["Tick", "Refresh", "Api", "Migrate"])
      expect(trust(`Tickwork${name}Role`)).toEqual([
        expect.objectContaining({ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" } }),
      ]);
  });

  test.each([
    ["TickworkScheduler", `${service}-tasks`],
    ["TickworkRefreshRuleRole", "default"],
  ])(
    "only EventBridge Scheduler may assume %s, for schedules of the group %s of this account",
    (role, group) => {
      expect(trust(role)).toEqual([
        {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { Service: "scheduler.amazonaws.com" },
          Condition: {
            StringEquals: { "aws:SourceAccount": "123456789012" },
            ArnEquals: { "aws:SourceArn": `arn:aws:scheduler:${ACCOUNT}:schedule-group/${group}` },
          },
        },
      ]);
    },
  );

  test("only the HTTP API may call from outside, and only the API's function", () => {
    const [permission, ...others] = all("aws:lambda/permission:Permission");
    expect(others).toEqual([]);
    expect(permission?.inputs).toMatchObject({
      action: "lambda:InvokeFunction",
      function: `arn:aws:lambda:${ACCOUNT}:function:${service}-api`,
      principal: "apigateway.amazonaws.com",
      sourceArn: expect.stringMatching(/:execute-api:us-east-1:123456789012:.+\/\*$/),
    });
    expect(all("aws:lambda/functionUrl:FunctionUrl")).toEqual([]);
  });

  test("no resource holds a secret in the clear", () => {
    const text = JSON.stringify(resources);
    for (const secret of [...Object.values(SECRETS), ...Object.values(GENERATED)])
      expect(text).not.toContain(secret);
  });
});

/** Wildcards for log streams, and for schedules, which are named after their minute. */
const OWN_NAMES =
  /(?<=:log-group:\/aws\/lambda\/tickwork-[a-z0-9-]+:|:schedule\/tickwork-[a-z0-9-]+-tasks\/)\*$/;

describe("each function is given the links it needs", () => {
  const { builds } = program("dev");
  test.each([
    ["TickworkTick", ["TickworkDatabase", "TickworkEncryptionKeys", "TickworkRedis"]],
    ["TickworkRefresh", ["TickworkDatabase", "TickworkEncryptionKeys", "TickworkRedis"]],
    ["TickworkApi", ["TickworkApiKey", "TickworkDatabase", "TickworkEncryptionKeys", "TickworkRedis"]],
    ["TickworkMigrate", ["TickworkDatabase"]],
  ])("%s: %s", (name, links) => {
    expect(new Set(builds[name]?.links)).toEqual(new Set(links));
  });

  test("without a cache no function is given a Redis, and none is created", () => {
    const { builds, all, environment } = program("no cache");
    expect(builds.TickworkTick?.links).toEqual(["TickworkDatabase", "TickworkEncryptionKeys"]);
    expect(new Set(builds.TickworkApi?.links)).toEqual(
      new Set(["TickworkApiKey", "TickworkDatabase", "TickworkEncryptionKeys"]),
    );
    expect(all("upstash:index/redisDatabase:RedisDatabase")).toEqual([]);
    expect(environment("TickworkTickFunction").CACHE_ENABLED).toBe("false");
  });
});
