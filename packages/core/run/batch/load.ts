import { loadBatchStatements } from "../../store/lazy-batch.ts";

type Batches = typeof import("./batch.ts");

let loaded: Batches | undefined;

/** What runs batches, loaded when the first one begins. */
export async function loadBatches(): Promise<Batches> {
  if (!loaded) [loaded] = await Promise.all([import("./batch.ts"), loadBatchStatements()]);
  return loaded;
}

/** See `batch.ts`. */
export const runBatch: Batches["runBatch"] = async (...given) => (await loadBatches()).runBatch(...given);
