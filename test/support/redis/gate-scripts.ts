/** All scripts of the gate, by name. */
import { createHash } from "node:crypto";
import * as decide from "../../../packages/core/gate/scripts/decide.ts";
import * as flag from "../../../packages/core/gate/scripts/flag.ts";
import * as read from "../../../packages/core/gate/scripts/read.ts";
import * as refresh from "../../../packages/core/gate/scripts/refresh.ts";
import type { Script } from "../../../packages/core/gate/scripts/script.ts";

type Any = Script<never, never, unknown>;

const named: [string, Any][] = Object.entries({ ...decide, ...flag, ...read, ...refresh });

export const GATE_SCRIPTS: readonly (Any & { name: string })[] = named.map(([name, one]) => ({
  ...one,
  name,
}));

/** How Redis calls a script. */
export const shaOf = (lua: string): string => createHash("sha1").update(lua).digest("hex");

const names = new Map(
  GATE_SCRIPTS.flatMap(({ name, lua }) => [[lua, name] as const, [shaOf(lua), name] as const]),
);

/** Which script a request runs, by hash or as a text; undefined for other requests. */
export function scriptRunBy([command = "", script = ""]: readonly string[]): string | undefined {
  return /^EVAL(SHA)?$/.test(command) ? (names.get(script) ?? "another") : undefined;
}
