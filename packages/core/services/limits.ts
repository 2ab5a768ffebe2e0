import { messageOf } from "../errors.ts";
import { RESUMED_LOOK_MS } from "../limits.ts";
import { runRefresh } from "../run/refresh.ts";
import {
  checkLimit,
  checkLimitTarget,
  type Limit,
  type LimitTarget,
  type LimitTerms,
} from "../tasks/limit.ts";
import { checkTypeOf, type PausesDeps } from "./pauses.ts";

/** What `Operator` does with limits. */
export interface Limits {
  /**
   * Makes the limit of a type, a queue or a key, or replaces it. Once it has returned, no claim exceeds it; what runs
   * already goes on.
   *
   * @throws TickworkError `invalid_request`, or `unknown_type`
   * @example await operator.putLimit({ queue: "mail" }, { concurrency: 2, rate: { starts: 100, period_seconds: 60 } });
   */
  putLimit(target: LimitTarget, settings: LimitTerms): Promise<Limit>;
  /**
   * Removes a limit. What it held back starts at once. To repeat it is harmless.
   *
   * @returns whether there was one
   * @throws TickworkError `invalid_request`
   * @example const wasThere = await operator.removeLimit({ queue: "mail" });
   */
  removeLimit(target: LimitTarget): Promise<boolean>;
  /** All limits, by kind and name. @example const limits = await operator.listLimits(); */
  listLimits(): Promise<Limit[]>;
}

export function createLimits(deps: PausesDeps): Limits {
  const { store, ringer, registry, log } = deps;
  const changing = async <T>(change: () => Promise<T>): Promise<T> => {
    // It comes after the commit, should this process die after that.
    await ringer.ringAfter(RESUMED_LOOK_MS, { askPostgres: true });
    const changed = await change();
    try {
      await runRefresh(deps);
    } catch (error) {
      log.warn("the cache could not be told of a limit; a later refresh does", { error: messageOf(error) });
    }
    return changed;
  };
  return {
    async putLimit(target, settings) {
      checkLimit(target, settings);
      checkTypeOf(target, registry);
      return changing(() => store.putLimit(target, settings));
    },
    async removeLimit(target) {
      checkLimitTarget(target);
      return changing(() => store.removeLimit(target));
    },
    listLimits: () => store.listLimits(),
  };
}
