/** One run of a contender, in an arena of its own. */
import { type Arena, openArena } from "./arena.ts";
import type { Contender } from "./contenders.ts";
import type { Extent, Measure, Values } from "./measures.ts";

/** Whoever ends the bench early leaves no database behind. */
let opened: Arena | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void opened?.close().finally(() => process.exit(1)));

export interface Place {
  /** Node's binary. */
  node: string;
  /** The adapter's program. */
  program: string;
  /** Added to each round trip. */
  delayMs: number;
  extent: Extent;
}

export function runOnce(
  measure: Measure,
  contender: Contender,
  { extent, ...place }: Place,
): Promise<Values> {
  const { results = false, counted = false } = measure;
  return measure.run(
    async (use) => {
      const arena = await openArena({ ...place, form: contender.form, results, counted });
      opened = arena;
      try {
        return await use(arena);
      } finally {
        await arena.close();
      }
    },
    contender,
    extent,
  );
}
