/** Functions in the VPC of an app: where they are, and what that lets Lambda do. */
import { describe, expect, test } from "vitest";
import { list, program } from "../support/infra/program.ts";
import type { ScenarioName } from "../support/infra/scenarios.ts";

const FUNCTIONS = ["Tick", "Refresh", "Api", "Migrate"];
const ALL = { subnetIds: ["subnet-1", "subnet-2"], securityGroupIds: ["sg-1"] };
const OWN = { subnetIds: ["subnet-3"], securityGroupIds: ["sg-3"] };

describe.each<[ScenarioName, Record<string, typeof ALL>]>([
  ["all in a vpc", { Tick: ALL, Refresh: ALL, Api: ALL, Migrate: ALL }],
  ["tick in a vpc", { Tick: OWN }],
  ["tick in another vpc", { Tick: OWN, Refresh: ALL, Api: ALL, Migrate: ALL }],
  ["dev", {}],
])("%s", (name, networks) => {
  const { one, statements } = program(name);

  test.each(FUNCTIONS)("%s is where it was put, and Lambda may connect it, but not its own code", (fn) => {
    expect(one(`Tickwork${fn}Function`).inputs.vpcConfig).toEqual(networks[fn]);
    const role = `Tickwork${fn}Role`;
    expect(list(one(role).inputs.managedPolicyArns)).toEqual([]);
    const onNetworks = statements(role).filter(({ Action }) => list(Action)[0]?.startsWith("ec2:"));
    const Action = [
      "ec2:CreateNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:DeleteNetworkInterface",
      "ec2:AssignPrivateIpAddresses",
      "ec2:UnassignPrivateIpAddresses",
    ];
    const self = `arn:aws:lambda:us-east-1:123456789012:function:tickwork-dev-${fn.toLowerCase()}`;
    const both = [
      { Effect: "Allow", Action, Resource: "*" },
      {
        Effect: "Deny",
        Action,
        Resource: "*",
        Condition: { ArnEquals: { "lambda:SourceFunctionArn": self } },
      },
    ];
    expect(onNetworks).toEqual(networks[fn] ? both : []);
  });

  test.each(FUNCTIONS)("%s is not created before its role may connect it", (fn) => {
    expect(one(`Tickwork${fn}Function`).dependsOn).toContain(`Tickwork${fn}Role`);
  });
});
