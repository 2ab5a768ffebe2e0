import type { Window, WindowRead } from "../store/window.ts";
import type { Outcome, Task } from "../tasks/task.ts";

/** What schedules have to do with refreshes and with the tasks that are their occurrences. */
export interface Scheduler {
  /** Makes what falls into the window that a refresh has read, and returns it with that. `read` reads it again. */
  keepUp(window: WindowRead, read: () => Promise<WindowRead>): Promise<Window>;
  /** Asks whether an occurrence runs now; what is returned becomes of it otherwise. */
  begin(task: Task & { schedule: string }): Promise<Outcome | undefined>;
  /** Told how an occurrence was settled. */
  ended(task: Task, outcome: Outcome): Promise<void>;
}
