import { cancel, patch, remove, retry } from "./change.ts";
import { claim, heldBy } from "./claim.ts";
import type { StoreDeps } from "./deps.ts";
import { insert, insertOnce } from "./insert.ts";
import { readBack, renewBatch, settleBatch } from "./lazy-batch.ts";
import { beginBulk, bulkStep, countSome } from "./lazy-bulk.ts";
import { overview, type, types } from "./lazy-insight.ts";
import { declaredLimits, declareLimit, listLimits, putLimit, removeLimit, undeclareLimit } from "./limits.ts";
import { list } from "./list.ts";
import { readNotes, writeNotes } from "./notes.ts";
import { deleteFinished, deleteFinishedByType, endLeases, resetRunning } from "./operator.ts";
import { listPauses, pause, resume } from "./pauses.ts";
import { get, getMany, getSome, standing, windowIds } from "./read.ts";
import { search } from "./search.ts";
import { renew, settle } from "./settle.ts";
import { window } from "./window.ts";

export type { ClaimResult } from "./claim.ts";
export type { Count, FinishedBucket, OverviewRead } from "./overview.ts";
export type { Page } from "./read.ts";
export type { SettleOptions } from "./settle.ts";
export type { TypeOutcomes } from "./types.ts";
export type { ScheduleRow, Window, WindowRead } from "./window.ts";

export type Store = ReturnType<typeof createStore>;

/**
 * Tasks in Postgres. Each method is one request, unless it says otherwise, and throws PostgresError when Postgres does
 * not answer or refuses.
 */
export function createStore(deps: StoreDeps) {
  const bind =
    <Args extends unknown[], Result>(method: (deps: StoreDeps, ...args: Args) => Result) =>
    (...args: Args): Result =>
      method(deps, ...args);
  return {
    insert: bind(insert),
    insertOnce: bind(insertOnce),
    get: bind(get),
    getMany: bind(getMany),
    getSome: bind(getSome),
    list: bind(list),
    search: bind(search),
    windowIds: bind(windowIds),
    standing: bind(standing),
    overview: bind(overview),
    types: bind(types),
    type: bind(type),
    patch: bind(patch),
    remove: bind(remove),
    retry: bind(retry),
    cancel: bind(cancel),
    claim: bind(claim),
    heldBy: bind(heldBy),
    settle: bind(settle),
    renew: bind(renew),
    readNotes: bind(readNotes),
    writeNotes: bind(writeNotes),
    settleBatch: bind(settleBatch),
    renewBatch: bind(renewBatch),
    readBack: bind(readBack),
    window: bind(window),
    pause: bind(pause),
    resume: bind(resume),
    listPauses: bind(listPauses),
    putLimit: bind(putLimit),
    removeLimit: bind(removeLimit),
    listLimits: bind(listLimits),
    declaredLimits: bind(declaredLimits),
    declareLimit: bind(declareLimit),
    undeclareLimit: bind(undeclareLimit),
    resetRunning: bind(resetRunning),
    deleteFinished: bind(deleteFinished),
    deleteFinishedByType: bind(deleteFinishedByType),
    endLeases: bind(endLeases),
    beginBulk: bind(beginBulk),
    bulkStep: bind(bulkStep),
    countSome: bind(countSome),
  };
}
