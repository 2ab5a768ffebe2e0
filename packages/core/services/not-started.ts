import type { Gate } from "../gate/gate.ts";
import { ANSWER_LIMIT_BYTES, PUT_CHUNK } from "../limits.ts";
import type { Store } from "../store/store.ts";
import type { Registry } from "../tasks/registry.ts";
import type { Due } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";

export interface NotStartedPage {
  tasks: Task[];
  /** Where the next page begins: after this task; absent on the last one. */
  next?: Due;
}

interface NotStartedDeps {
  store: Pick<Store, "windowIds" | "getSome">;
  gate: Pick<Gate, "list" | "rows">;
  registry: Pick<Registry, "encryption">;
}

const byDueTime = (a: Due, b: Due) => a.atMs - b.atMs || a.id - b.id;

/** Reads the window's waiting tasks: from the cache, and from Postgres what is not there. */
export function createNotStarted({ store, gate, registry: { encryption } }: NotStartedDeps) {
  const inWindow = async () => {
    const cached = await gate.list();
    return { isCached: cached !== undefined, due: (cached ?? (await store.windowIds())).sort(byDueTime) };
  };

  /** The first of these tasks, and after which of them the next page begins. */
  const read = async (due: readonly Due[], isCached: boolean): Promise<NotStartedPage> => {
    const ids = due.map(({ id }) => id);
    const rows = new Map((isCached ? await gate.rows(ids) : []).map((task) => [task?.id, task]));
    const missing = ids.filter((id) => !rows.has(id));
    const found =
      missing.length > 0 ? await store.getSome(missing, ANSWER_LIMIT_BYTES) : { tasks: [], more: false };
    for (const task of found.tasks) rows.set(task.id, task);
    // Those that Postgres was asked for and that did not come in this answer any more.
    const unread = new Set(found.more ? missing.slice(missing.indexOf(found.tasks.at(-1)?.id ?? 0) + 1) : []);
    const tasks: Task[] = [];
    let bytes = 0;
    for (const [n, { id }] of due.entries()) {
      const task = rows.get(id);
      bytes += task ? Buffer.byteLength(JSON.stringify(task)) : 0;
      const last = due[n - 1];
      if (last && (unread.has(id) || (bytes > ANSWER_LIMIT_BYTES && tasks.length > 0)))
        return { tasks, next: last };
      if (task?.task_status === "Not started") tasks.push(encryption.open(task));
    }
    return { tasks };
  };

  return {
    /** Up to `limit` tasks after `after`, as many as one answer may have. */
    async page({ after, limit }: { after?: Due | undefined; limit: number }): Promise<NotStartedPage> {
      const { due, isCached } = await inWindow();
      const rest = after ? due.filter((one) => byDueTime(one, after) > 0) : due;
      const { tasks, next = rest.length > limit ? rest[limit - 1] : undefined } = await read(
        rest.slice(0, limit),
        isCached,
      );
      return next ? { tasks, next } : { tasks };
    },

    /** All of them, in requests of a bounded size. */
    async all(): Promise<Task[]> {
      const { due, isCached } = await inWindow();
      const tasks: Task[] = [];
      for (let from = 0; from < due.length; ) {
        const chunk = due.slice(from, from + PUT_CHUNK);
        const page = await read(chunk, isCached);
        tasks.push(...page.tasks);
        from += page.next ? chunk.indexOf(page.next) + 1 : chunk.length;
      }
      return tasks;
    },
  };
}
