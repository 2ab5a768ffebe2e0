import { createHash } from "node:crypto";
import { TYPES_SENT } from "../limits.ts";
import type { StoreDeps } from "./deps.ts";
import { queryRepeatable, statement } from "./statement.ts";

export const REGISTER_TYPES = statement({ registry: "text", names: "text[]" })`
  insert into tickwork_types (registry, name) select :registry, unnest(:names) on conflict do nothing`;

type Deps = Pick<StoreDeps, "database" | "types">;

/** By the list of a process: what takes its place, once it is registered. */
const registrations = new WeakMap<readonly string[], Promise<readonly string[]>>();

/**
 * What goes with a claim as `:ours`: the names of the types that this process runs, or, where they are many, the name
 * of a list that Postgres knows. Ten thousand names are 120 KB in each statement, and two milliseconds to read.
 */
export async function typesToSend(deps: Deps): Promise<readonly string[]> {
  const { ours } = deps.types;
  if (ours.length <= TYPES_SENT) return ours;
  const known = registrations.get(ours);
  if (known) return known;
  const registration = registerTypes(deps);
  registrations.set(ours, registration);
  registration.catch(() => registrations.delete(ours));
  return registration;
}

/** Whether the names themselves are sent. */
export const areNames = (sent: readonly string[]): boolean => sent[1] !== "";

/**
 * Has Postgres know the list. Each refresh does it again, in case somebody has emptied the table. Lists stay when their
 * deployment is gone: a process of it may not be.
 */
export async function registerTypes({ database, types: { ours } }: Deps): Promise<readonly string[]> {
  const registry = createHash("sha256").update(JSON.stringify(ours)).digest("hex");
  await queryRepeatable(database, REGISTER_TYPES({ registry, names: ours }));
  return [registry, ""];
}
