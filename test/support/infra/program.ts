/** An evaluated program, with the queries that the suites need. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Evaluation } from "./evaluate.ts";
import type { Recorded } from "./recorder.ts";
import { SCRATCH } from "./run.ts";
import type { ScenarioName } from "./scenarios.ts";

export interface Statement {
  Effect: string;
  Action: string | string[];
  Resource?: string | string[];
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

export interface Program extends Evaluation {
  /** All resources of a type. */
  all(type: string): Recorded[];
  /** The resource with this name. Throws if there is none, or more than one. */
  one(name: string): Recorded;
  /** What a role may do. */
  statements(role: string): Statement[];
  /** Who may assume a role. */
  trust(role: string): Statement[];
  /** The environment of a function, without what SST adds. */
  environment(name: string): Record<string, string>;
}

export const fileOf = (name: ScenarioName) => join(SCRATCH, `${name.replaceAll(" ", "-")}.json`);

export function program(name: ScenarioName): Program {
  const evaluation = JSON.parse(readFileSync(fileOf(name), "utf8")) as Evaluation;
  const one = (resource: string) => {
    const [found, ...others] = evaluation.resources.filter((candidate) => candidate.name === resource);
    if (!found || others.length > 0)
      throw new Error(`${others.length + (found ? 1 : 0)} resources of ${name} are called ${resource}`);
    return found;
  };
  return {
    ...evaluation,
    one,
    all: (type) => evaluation.resources.filter((resource) => resource.type === type),
    statements: (role) => {
      const policies = (one(role).inputs.inlinePolicies ?? []) as { policy: string }[];
      return policies.flatMap(({ policy }) => statementsOf(policy));
    },
    trust: (role) => statementsOf(one(role).inputs.assumeRolePolicy),
    environment: (resource) => {
      const { variables } = one(resource).inputs.environment as { variables: Record<string, string> };
      return Object.fromEntries(Object.entries(variables).filter(([key]) => !key.startsWith("SST_")));
    },
  };
}

/** Policies are text in some places and objects in others. */
function statementsOf(policy: unknown): Statement[] {
  const document = typeof policy === "string" ? (JSON.parse(policy) as unknown) : policy;
  return (document as { Statement: Statement[] }).Statement;
}

export const list = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
