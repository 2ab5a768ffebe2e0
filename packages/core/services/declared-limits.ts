import type { Store } from "../store/store.ts";
import type { DeclaredLimit } from "../tasks/define-limit.ts";
import type { Registry } from "../tasks/registry.ts";

/**
 * Has the limits of code be what this process declares, where that is not what was declared before: what was changed
 * since stays. The limit of a type is removed when its declaration is gone, and the type is one of this process. Whose
 * a queue or a key is, nobody knows: its limit stays.
 *
 * @returns whether it changed any
 */
export async function declareLimits(
  store: Pick<Store, "declaredLimits" | "declareLimit" | "undeclareLimit">,
  registry: Pick<Registry, "get">,
  declared: readonly DeclaredLimit[],
): Promise<boolean> {
  const known = new Map((await store.declaredLimits()).map((one) => [JSON.stringify(one.target), one]));
  let changed = false;
  for (const { target, terms } of declared) {
    const name = JSON.stringify(target);
    const before = known.get(name);
    known.delete(name);
    if (JSON.stringify(before?.terms) === JSON.stringify(terms)) continue;
    await store.declareLimit(target, terms);
    changed = true;
  }
  for (const { target } of known.values()) {
    if (!("type" in target) || !registry.get(target.type)) continue;
    await store.undeclareLimit(target);
    changed = true;
  }
  return changed;
}
