import type { Kind } from "./kinds.ts";

export interface Mutant {
  name: string;
  /** The kind of story in which it is found. */
  kind: Kind;
  /** What is replaced in which file, from the root of the repository. */
  changes: { file: string; from: string; to: string }[];
  /** Or a statement that changes the schema, and one that changes it back. */
  schema?: { break: string; mend: string };
}

export const core = (file: string, from: string, to: string) => ({ file: `packages/core/${file}`, from, to });
