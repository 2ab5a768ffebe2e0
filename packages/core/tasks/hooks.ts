import { messageOf, mustBe } from "../errors.ts";
import type { Logger } from "../log.ts";

/** The collection that hooks know tasks by: the name of their table. */
export const TASKS = "baasix_Tasks";

/** What can happen to an item of a collection. */
export const HOOK_EVENTS = ["items.create.after", "items.update.after", "items.delete.after"] as const;

/** What happened to an item of a collection. */
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** What a hook is given; callers may add more. */
export interface HookContext {
  collection: string;
  // Items of other collections have columns that Tickwork knows nothing of.
  // biome-ignore lint/suspicious/noExplicitAny: hooks written for Baasix read data.status without a cast
  data: any;
  [key: string]: unknown;
}

/** May return the data, changed or not, for the hooks after it. */
export type Hook = (context: HookContext) => unknown;

/** The hooks of one Tickwork. */
export interface Hooks {
  /**
   * Has `hook` called after each such event. Hooks of one event run in the order of their registration. Tasks are the
   * collection `baasix_Tasks`.
   *
   * @returns a function that removes the hook
   * @throws TypeError when there is no such event
   * @example hooks.registerHook("baasix_Tasks", "items.create.after", ({ data }) => console.log(data.id));
   */
  registerHook(collection: string, event: HookEvent, hook: Hook): () => void;
  /**
   * Runs `load`, and says what was registered meanwhile. If it fails, that is removed again.
   *
   * @returns functions that each remove a hook
   * @example
   * const removers = await hooks.registeredDuring(async () => {
   *   hooks.registerHook("orders", "items.create.after", ({ data }) => console.log(data.id));
   * });
   * for (const remove of removers) remove();
   */
  registeredDuring(load: () => Promise<unknown>): Promise<(() => void)[]>;
  /** Calls the hooks of an event. One that throws is logged and breaks nothing. */
  fire(event: HookEvent, context: HookContext): Promise<{ ran: number; failed: number }>;
}

export function createHooks(log: Pick<Logger, "error">): Hooks {
  const hooks = new Map<string, Set<Hook>>();
  /** The removers of what was registered, for those who asked. */
  const noting = new Set<(() => void)[]>();
  const keyOf = (collection: string, event: string) => `${collection}/${event}`;
  return {
    registerHook(collection, event, hook) {
      if (!HOOK_EVENTS.includes(event))
        throw new TypeError(`event ${mustBe(`one of ${HOOK_EVENTS.join(", ")}`, event)}`);
      const key = keyOf(collection, event);
      const registered = hooks.get(key) ?? new Set();
      hooks.set(key, registered.add(hook));
      const remove = () => void registered.delete(hook);
      for (const removers of noting) removers.push(remove);
      return remove;
    },
    async registeredDuring(load) {
      const removers: (() => void)[] = [];
      noting.add(removers);
      try {
        await load();
        return removers;
      } catch (error) {
        for (const remove of removers) remove();
        throw error;
      } finally {
        noting.delete(removers);
      }
    },
    async fire(event, context) {
      const registered = [...(hooks.get(keyOf(context.collection, event)) ?? [])];
      let { data } = context;
      let failed = 0;
      for (const hook of registered) {
        try {
          data = (await hook({ ...context, data })) ?? data;
        } catch (error) {
          failed++;
          log.error("a hook failed", { collection: context.collection, event, error: messageOf(error) });
        }
      }
      return { ran: registered.length, failed };
    },
  };
}
