/** The statements of operations on many tasks, loaded when there is one. */
type Statements = typeof import("./bulk.ts");

let loaded: Statements | undefined;

export async function loadBulk(): Promise<Statements> {
  loaded ??= await import("./bulk.ts");
  return loaded;
}

export const beginBulk: Statements["beginBulk"] = async (...given) => (await loadBulk()).beginBulk(...given);
export const bulkStep: Statements["bulkStep"] = async (...given) => (await loadBulk()).bulkStep(...given);
export const countSome: Statements["countSome"] = async (...given) => (await loadBulk()).countSome(...given);
