import { ConfigError } from "../errors.ts";
import { type DeclaredLimit, isDeclaredLimit } from "./define-limit.ts";
import type { Definitions, TaskDefinition } from "./define-task.ts";
import { type DeclaredSchedule, isDeclaredSchedule } from "./schedule.ts";

/**
 * The definitions that a module exports: its list `definitions`, or else each export that is one.
 *
 * @param name of the module, for messages
 * @throws ConfigError with one line when it exports none, or something else as `definitions`
 * @example const definitions = definitionsOf(await import("./tasks.ts"), "./tasks.ts");
 */
export function definitionsOf(module: Readonly<Record<string, unknown>>, name: string): Definitions {
  const declared = Object.values(module).flat();
  if ("definitions" in module) return withDeclared(listOf(module.definitions, name), declared);
  // A module that Node loads as CommonJS has its exports in `default`, too.
  const found = new Set(Object.values(module).filter(isDefinition));
  if (found.size === 0)
    throw new ConfigError(
      `${name} must export task definitions, by name or as the list \`definitions\`; ${exportsOf(module)}.`,
    );
  return withDeclared([...found], declared);
}

function listOf(definitions: unknown, name: string): Definitions {
  if (!Array.isArray(definitions))
    throw new ConfigError(
      `\`definitions\` in ${name} must be a list of task definitions, got ${kindOf(definitions)}.`,
    );
  const wrong = definitions.findIndex(
    (one) => !isDefinition(one) && !isDeclaredSchedule(one) && !isDeclaredLimit(one),
  );
  if (wrong >= 0)
    throw new ConfigError(
      `\`definitions[${wrong}]\` in ${name} must be a task definition, as defineTask makes it, got ${kindOf(definitions[wrong])}.`,
    );
  return definitions.filter(isDefinition);
}

/** What came with a list of definitions, which goes through many hands. */
const DECLARED = new WeakMap<Definitions, { schedules: DeclaredSchedule[]; limits: DeclaredLimit[] }>();

function withDeclared(definitions: Definitions, exported: readonly unknown[]): Definitions {
  const all = [...new Set(exported)];
  DECLARED.set(definitions, {
    schedules: all.filter(isDeclaredSchedule),
    limits: all.filter(isDeclaredLimit),
  });
  return definitions;
}

/** The schedules that the module declares from which `definitionsOf` got these definitions. */
export function schedulesOf(definitions: Definitions): readonly DeclaredSchedule[] {
  return DECLARED.get(definitions)?.schedules ?? [];
}

/** The same for limits, without those that the definitions themselves say. */
export function limitsOf(definitions: Definitions): readonly DeclaredLimit[] {
  return DECLARED.get(definitions)?.limits ?? [];
}

/** Whether a value can be used as a definition; the rest of it is checked when it is registered. */
function isDefinition(value: unknown): value is TaskDefinition {
  const { type, run, runMany } = (value ?? {}) as { type?: unknown; run?: unknown; runMany?: unknown };
  return typeof type === "string" && (typeof run === "function" || typeof runMany === "function");
}

function exportsOf(module: object): string {
  const names = Object.keys(module);
  return names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}, and none is one`;
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}
