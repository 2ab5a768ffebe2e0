/** The statements of operations on many tasks, loaded when there is one. */
type Statements = typeof import("./bulk.ts");

const load = (): Promise<Statements> => import("./bulk.ts");

export const beginBulk: Statements["beginBulk"] = async (...given) => (await load()).beginBulk(...given);
export const bulkStep: Statements["bulkStep"] = async (...given) => (await load()).bulkStep(...given);
export const countSome: Statements["countSome"] = async (...given) => (await load()).countSome(...given);
