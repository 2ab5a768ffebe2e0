import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";

/** What happened to an item of a collection. */
export const HOOK_EVENTS = ["items.create.after", "items.update.after", "items.delete.after"] as const;

export type HookEvent = (typeof HOOK_EVENTS)[number];

/** What a hook is given; others may put more into it. */
export interface HookContext {
  collection: string;
  // Items of other people's collections have whatever columns they have.
  // biome-ignore lint/suspicious/noExplicitAny: the mission's example reads data.status without a cast
  data: any;
  [key: string]: unknown;
}

/** May return the data, changed or not, for the hooks after it. */
export type Hook = (context: HookContext) => unknown;

export interface Hooks {
  /**
   * Has `hook` called after each such event. Hooks of one event run in the order of their registration.
   *
   * @returns a function that takes the hook back
   * @example hooks.registerHook("data_imports", "items.create.after", async ({ data }) => { … });
   */
  registerHook(collection: string, event: HookEvent, hook: Hook): () => void;
  /** Calls the hooks. One that throws is logged and breaks nothing. */
  fire(event: HookEvent, context: HookContext): Promise<{ ran: number; failed: number }>;
}

export function createHooks(log: Pick<Logger, "error">): Hooks {
  const hooks = new Map<string, Set<Hook>>();
  const keyOf = (collection: string, event: string) => `${collection}/${event}`;
  return {
    registerHook(collection, event, hook) {
      if (!HOOK_EVENTS.includes(event))
        throw new TypeError(`"${event}" is not an event of a hook; these are: ${HOOK_EVENTS.join(", ")}`);
      const key = keyOf(collection, event);
      const registered = hooks.get(key) ?? new Set();
      hooks.set(key, registered.add(hook));
      return () => void registered.delete(hook);
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
