import { messageOf, mustBe, refusal, unknownType } from "../errors.ts";
import { PAUSE_REASON_LIMIT, RESUMED_LOOK_MS } from "../limits.ts";
import { type RefreshDeps, runRefresh } from "../run/refresh.ts";
import type { Store } from "../store/store.ts";
import { isKey, KEY_SHAPE, type LimitTarget } from "../tasks/limit.ts";
import { PAUSE_KINDS, type Pause, type PauseTarget } from "../tasks/pause.ts";
import type { Registry } from "../tasks/registry.ts";
import { isStorable } from "../tasks/storable.ts";
import { checkName } from "./tasks.ts";

export interface PausesDeps extends RefreshDeps {
  store: Store;
  registry: Registry;
}

/** What is noted with a pause. */
export interface PauseOptions {
  reason?: string | null | undefined;
  userId?: string | undefined;
}

/** What `Operator` does to pause and to resume. */
export interface Pauses {
  /**
   * Pauses everything, a type, a queue or a key: what runs goes on, what waits starts when it is resumed. What is
   * paused already stays so, with the new reason. Once it has returned, no claim that begins starts such a task; one
   * that was under way may, in the milliseconds that it takes.
   *
   * @param options.reason for people, 1 to 1,000 characters
   * @param options.userId who asks, 1 to 255 characters
   * @throws TickworkError `invalid_request`, or `unknown_type`
   * @example await operator.pause({ type: "greet" }, { reason: "the mail server moves" });
   */
  pause(target: PauseTarget, options?: PauseOptions): Promise<Pause>;
  /**
   * Resumes what was paused under this name; other pauses stay. What is due starts at once. To repeat it is harmless.
   *
   * @returns whether it was paused
   * @throws TickworkError `invalid_request`
   * @example const wasPaused = await operator.resume({ type: "greet" });
   */
  resume(target: PauseTarget): Promise<boolean>;
  /** What is paused, the oldest pause first. @example const pauses = await operator.listPauses(); */
  listPauses(): Promise<Pause[]>;
}

/** @throws TickworkError `unknown_type` for a type that this deployment does not know */
export function checkTypeOf(target: PauseTarget | LimitTarget, registry: Registry): void {
  if ("type" in target && !registry.open && !registry.get(target.type))
    throw unknownType(registry.types, target.type);
}

export function createPauses(deps: PausesDeps): Pauses {
  const { store, ringer, registry, log } = deps;
  /** Without it, a claim finds out what is paused, and a later ring what is not any more. */
  const tryRefresh = async () => {
    try {
      await runRefresh(deps);
    } catch (error) {
      log.warn("the cache could not be told what is paused; a later refresh does", {
        error: messageOf(error),
      });
    }
  };
  return {
    async pause(target, { reason = null, userId } = {}) {
      checkTarget(target);
      checkTypeOf(target, registry);
      if (
        reason !== null &&
        (reason.length === 0 || reason.length > PAUSE_REASON_LIMIT || !isStorable(reason))
      )
        throw refusal("reason", mustBe(`a string of 1 to ${PAUSE_REASON_LIMIT} characters`, reason));
      checkName("userId", userId);
      const paused = await store.pause(target, reason, userId ?? null);
      await tryRefresh();
      return paused;
    },

    async resume(target) {
      checkTarget(target);
      // It comes after the commit, should this process die after that, and after whatever was told of the pause meanwhile.
      await ringer.ringAfter(RESUMED_LOOK_MS, { askPostgres: true });
      const wasPaused = await store.resume(target);
      await tryRefresh();
      return wasPaused;
    },

    listPauses: () => store.listPauses(),
  };
}

/** @throws TickworkError `invalid_request` */
function checkTarget(target: PauseTarget): void {
  const given = PAUSE_KINDS.filter((kind) => Object.hasOwn(target, kind));
  const [kind] = given;
  if (given.length !== 1 || !kind)
    throw refusal("", `must name one of ${PAUSE_KINDS.join(", ")}, got ${given.join(" and ") || "none"}`);
  const { [kind]: name } = target as Record<string, unknown>;
  if (kind === "all") {
    if (name !== true) throw refusal("all", mustBe("true", name));
    return;
  }
  checkName(kind, name as string);
  if (kind === "concurrency_key" && !isKey(name as string)) throw refusal(kind, mustBe(KEY_SHAPE, name));
}
