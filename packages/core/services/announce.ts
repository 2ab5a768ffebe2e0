import type { Ringer } from "../doorbell/ringer.ts";
import type { Gate } from "../gate/gate.ts";
import { LOOK_AGAIN_MS } from "../limits.ts";
import type { CreatedTasks } from "../store/insert-unique.ts";
import type { Store } from "../store/store.ts";
import { type HookEvent, type Hooks, TASKS } from "../tasks/hooks.ts";
import type { Registry } from "../tasks/registry.ts";
import {
  gone,
  isLaned,
  type KnownTypes,
  lanedAt,
  missing,
  type Standing,
  standingOfTask,
} from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";

/** Tells the cache, the doorbell and the hooks what was written. */
export interface Announcer {
  /**
   * The cache first and the doorbell second: a tick that comes at once must find what it was rung for.
   *
   * @param nowMs Postgres's time
   */
  announce(tasks: readonly Task[], nowMs: number): Promise<void>;
  /**
   * The same after tasks were created, with the hooks: of creation, or of a change where a unique key had a waiting
   * task take the place of a new one. A task that was kept is told again, for whoever created it may have died before;
   * no hook hears of it.
   */
  afterCreate(created: CreatedTasks): Promise<void>;
  /** As `Operator.afterWrite`. */
  afterWrite(event: HookEvent, tasks: readonly Task[], nowMs: number): Promise<void>;
  /** As `Operator.notifyChanged`. */
  notifyChanged(ids: readonly number[]): Promise<void>;
}

export interface AnnouncerDeps {
  store: Pick<Store, "getMany">;
  gate: Pick<Gate, "put">;
  ringer: Pick<Ringer, "ring" | "ringAfter" | "ringFor">;
  hooks: Pick<Hooks, "fire">;
  registry: KnownTypes & Pick<Registry, "encryption">;
}

export function createAnnouncer({ store, gate, ringer, hooks, registry }: AnnouncerDeps): Announcer {
  const standingsOf = (tasks: readonly Task[], nowMs: number): Standing[] => [
    ...tasks.map((task) => standingOfTask(task, nowMs, registry)),
    ...lanesOf(tasks, nowMs),
  ];
  /** Returns how many of them told the cache something new. */
  const tell = async (standings: readonly Standing[], nowMs: number): Promise<number> => {
    // A new task that is due later than the window was never cached.
    const concerned = standings.filter(({ kind, rev }) => kind !== "gone" || rev > 1);
    const news = concerned.length === 0 ? 0 : await gate.put(concerned);
    if (news !== undefined) await ringer.ringFor(concerned, nowMs);
    else await askPostgresFor(concerned, nowMs);
    return news ?? 0;
  };
  /** The cache was not told. */
  const askPostgresFor = async (standings: readonly Standing[], nowMs: number): Promise<void> => {
    const inMs = standings.flatMap((one) =>
      one.kind === "waiting" || one.kind === "laned" ? [one.atMs - nowMs] : [],
    );
    if (inMs.length === 0) return;
    await ringer.ring({ askPostgres: true });
    // That tick may find Redis away, too. Then a refresh that goes by the cache would ring for none of them.
    const firstMs = Math.min(...inMs);
    if (firstMs > 0) await ringer.ringAfter(firstMs, { askPostgres: true });
  };
  /** Hooks get tasks as handlers do; the cache has them as their rows are. */
  const fire = (event: HookEvent, task: Task) =>
    hooks.fire(event, { collection: TASKS, data: registry.encryption.open(task), id: task.id });
  const announcer: Announcer = {
    async announce(tasks, nowMs) {
      await tell(standingsOf(tasks, nowMs), nowMs);
    },

    async afterCreate({ tasks, outcomes, freed = [], nowMs }) {
      if (!outcomes) return announcer.afterWrite("items.create.after", tasks, nowMs);
      const told = new Map([...freed, ...tasks].map((task) => [task.id, task]));
      await announcer.announce([...told.values()], nowMs);
      const events = new Map<Task, HookEvent>();
      tasks.forEach(({ id }, n) => {
        const task = told.get(id);
        const outcome = outcomes[n] ?? "created";
        if (!task) return;
        if (outcome === "created") events.set(task, "items.create.after");
        else if (outcome !== "kept" && !events.has(task)) events.set(task, "items.update.after");
      });
      await Promise.all([...events].map(([task, event]) => fire(event, task)));
    },

    async afterWrite(event, tasks, nowMs) {
      const deleted = event === "items.delete.after";
      await tell(
        deleted
          ? tasks.map(({ id, rev, type, task_status }) => gone(id, rev + 1, type, task_status))
          : standingsOf(tasks, nowMs),
        nowMs,
      );
      if (tasks.some(isFinished)) await ringer.ring();
      await Promise.all(tasks.map((task) => fire(event, task)));
    },

    async notifyChanged(ids) {
      const { tasks, nowMs } = await store.getMany(ids);
      const found = new Set(tasks.map(({ id }) => id));
      const unseen = ids.filter((id) => !found.has(id)).map(missing);
      const news = await tell([...standingsOf(tasks, nowMs), ...unseen], nowMs);
      if (tasks.some(isFinished)) await ringer.ring();
      // Whoever nudges may do so before the commit, as Baasix's hooks do. What they wrote is visible a moment later.
      if (news < ids.length) await ringer.ringAfter(LOOK_AGAIN_MS, { askPostgres: true });
    },
  };
  return announcer;
}

/** What laned tasks make of the lanes: one that waits may start when it is due, and one that has ended may leave its place to another. */
function lanesOf(tasks: readonly Task[], nowMs: number): Standing[] {
  const times = tasks.filter(isLaned).flatMap((task) => {
    if (task.task_status === "Not started") return [Date.parse(task.scheduled_time)];
    return isFinished(task) ? [nowMs] : [];
  });
  return times.length > 0 ? [lanedAt(Math.min(...times))] : [];
}

/** It may have been running, and what is due may have waited for its end. */
function isFinished({ task_status }: Task): boolean {
  return task_status === "Completed" || task_status === "Error";
}
