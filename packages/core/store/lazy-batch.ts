/** The statements of batches, loaded when the first batch runs: most deployments have none. */
type Statements = typeof import("./batch.ts") & typeof import("./batch-leases.ts");

let loaded: Statements | undefined;

export async function loadBatchStatements(): Promise<Statements> {
  loaded ??= { ...(await import("./batch.ts")), ...(await import("./batch-leases.ts")) };
  return loaded;
}

export const settleBatch: Statements["settleBatch"] = async (...given) =>
  (await loadBatchStatements()).settleBatch(...given);
export const renewBatch: Statements["renewBatch"] = async (...given) =>
  (await loadBatchStatements()).renewBatch(...given);
export const readBack: Statements["readBack"] = async (...given) =>
  (await loadBatchStatements()).readBack(...given);
