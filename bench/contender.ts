/** What the bench needs of a contender. An adapter says how tasks are created and run there. */

/** As its documentation has it when nothing is set, or as it advises for speed. Of Tickwork: strict, or batch. */
export type Form = "default" | "tuned";

/** What the process is started with. */
export interface Given {
  databaseUrl: string;
  /** Its database is empty, so nothing needs a prefix. */
  redisUrl: string;
  form: Form;
  /** Handlers return as much as they get: some contenders are told beforehand that there are results. */
  results: boolean;
}

export interface TaskData {
  /** When the task is due, where that is measured: milliseconds since 1970, with their fractions. */
  dueMs?: number;
  text?: string;
}

export interface NewTask {
  data: TaskData;
  /** Absent: now. */
  at?: Date;
}

export interface Creator {
  createOne(task: NewTask): Promise<void>;
  createMany(tasks: NewTask[]): Promise<void>;
}

export interface Worker {
  /** What it does at longer intervals than the bench waits. */
  regularly?: { everySeconds: number; run(): Promise<void> };
}

export type Handler = (data: TaskData) => Promise<TaskData | undefined>;

export interface Adapter {
  /** Makes the schema. */
  prepare(given: Given): Promise<void>;
  openCreator(given: Given): Promise<Creator>;
  /** From here on it runs what is due. The process is ended when nothing more is measured. */
  startWorker(given: Given, handler: Handler): Promise<Worker>;
}

/** The same for all processes of a machine, with fractions of a millisecond. */
export const nowMs = (): number => performance.timeOrigin + performance.now();
