import type { Scheduler } from "../run/scheduler.ts";
import type { Store } from "../store/store.ts";
import type { DeclaredLimit } from "../tasks/define-limit.ts";
import type { Registry } from "../tasks/registry.ts";

/** Has the first refresh of this process that reads Postgres declare the limits of its code. What that needs, few load. */
export function declaringLimits(
  scheduler: Scheduler,
  store: Store,
  registry: Registry,
  declared: readonly DeclaredLimit[],
): Scheduler {
  // Once: a process that is older than what another one declares must not undo that.
  let done = registry.open;
  return {
    ...scheduler,
    async keepUp(given, read) {
      let window = given;
      if (!done && (declared.length > 0 || window.hasDeclaredLimits)) {
        const { declareLimits } = await import("./declared-limits.ts");
        if (await declareLimits(store, registry, declared)) window = await read();
      }
      done = true;
      return scheduler.keepUp(window, read);
    },
  };
}
