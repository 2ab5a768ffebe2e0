/**
 * What the adapters use of packages that only `npm run bench:peers` installs, so that the project's types can be checked
 * without them.
 */
declare module "graphile-worker" {
  export class Logger {
    constructor(factory: () => () => void);
  }
  interface SharedOptions {
    connectionString: string;
    logger: Logger;
    preset: object;
  }
  interface Spec {
    runAt?: Date;
  }
  export function makeWorkerUtils(options: SharedOptions): Promise<{
    migrate(): Promise<void>;
    release(): Promise<void>;
    addJob(identifier: string, payload: unknown, spec: Spec): Promise<unknown>;
    addJobs(jobs: ({ identifier: string; payload: unknown } & Spec)[]): Promise<unknown>;
  }>;
  export function run(
    options: SharedOptions & {
      noHandleSignals: boolean;
      taskList: Record<string, (payload: unknown) => Promise<void>>;
    },
  ): Promise<unknown>;
}

declare module "pg-boss" {
  export interface ConstructorOptions {
    connectionString?: string;
    useListenNotify?: boolean;
    supervise?: boolean;
    schedule?: boolean;
    migrate?: boolean;
  }
  export interface WorkOptions {
    batchSize?: number;
    burstWhenBatchFull?: boolean;
    pollingIntervalSeconds?: number;
    notifyPollingIntervalSeconds?: number;
  }
  interface Job {
    id: string;
    data: unknown;
  }
  interface JobResult {
    id: string;
    status: "completed";
    output: unknown;
  }
  export class PgBoss {
    constructor(options: ConstructorOptions);
    on(event: "error", listener: (error: Error) => void): void;
    start(): Promise<unknown>;
    stop(options: { graceful: boolean }): Promise<void>;
    createQueue(name: string, options: { notify?: boolean }): Promise<void>;
    send(name: string, data: object, options: { startAfter?: Date }): Promise<unknown>;
    insert(name: string, jobs: { data: object; startAfter?: Date }[]): Promise<unknown>;
    work(name: string, handler: (jobs: Job[]) => Promise<unknown>): Promise<unknown>;
    work(
      name: string,
      options: WorkOptions & { perJobResults: true },
      handler: (jobs: Job[]) => Promise<JobResult[]>,
    ): Promise<unknown>;
    work(name: string, options: WorkOptions, handler: (jobs: Job[]) => Promise<unknown>): Promise<unknown>;
  }
}

declare module "bullmq" {
  interface Connected {
    connection: { url: string; maxRetriesPerRequest: null };
  }
  interface JobOptions {
    delay?: number;
  }
  export class Queue {
    constructor(name: string, options: Connected);
    waitUntilReady(): Promise<unknown>;
    add(name: string, data: unknown, options: JobOptions): Promise<unknown>;
    addBulk(jobs: { name: string; data: unknown; opts: JobOptions }[]): Promise<unknown>;
  }
  export class Worker {
    constructor(
      name: string,
      processor: (job: { data: unknown }) => Promise<unknown>,
      options: Connected & { concurrency: number },
    );
    on(event: "error", listener: (error: Error) => void): void;
    waitUntilReady(): Promise<unknown>;
  }
}
