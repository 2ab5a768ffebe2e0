import type {
  ApiKey,
  AuditEntry,
  CacheStats,
  Health,
  Identity,
  MadeApiKey,
  NewApiKey,
  Overview,
  Pause,
  PauseTarget,
  Task,
  TypeInfo,
} from "#core";
import type { ClientBulk } from "./bulk.ts";
import type { ClientLimits } from "./limits.ts";
import type { CallOptions, ChangeOptions } from "./request.ts";
import type { ClientSchedules } from "./schedules.ts";
import type {
  AnyDefinitions,
  EndedTaskOf,
  ListFilter,
  NewTaskOf,
  TaskChangesOf,
  TaskOf,
  TaskPage,
  TaskRef,
  TypeOf,
} from "./typed-tasks.ts";
import type { WaitOptions } from "./wait.ts";

/** What calls that create tasks take. */
export interface CreateOptions extends ChangeOptions {
  /**
   * 1 to 255 characters. The same key within 24 hours returns the same tasks and creates none. Default: a new one for each
   * call, so that its own repetitions create nothing twice.
   */
  idempotencyKey?: string | undefined;
}

/**
 * The HTTP API as functions. `Definitions` gives `task_data` and `result_data` their types: `typeof
 * import("./tasks.ts")`, or a tuple or a union of definitions.
 *
 * Every call rejects with
 * - a TickworkApiError when the API answers with an error: each method lists its codes; besides, any may meet `key_missing`,
 *   `key_wrong`, `key_expired`, `scope_missing`, `malformed_request` and `postgres_unavailable`
 * - a TickworkNetworkError when no answer comes
 * - a TickworkTimeoutError when `timeoutMs` is over
 * - the reason of `signal` when that aborts
 *
 * 408, 425, 429, 5xx and failures of the network are tried again, after pauses that grow, and are never shorter than
 * `Retry-After` asks for. What may have been carried out is repeated only where that does no harm: everywhere but in `update`
 * and `retry`. Those are repeated after 429, and when there was not even a connection.
 */
export interface Client<Definitions = AnyDefinitions> extends ClientBulk {
  /**
   * Creates a task. It is created once, however often the request has to be repeated.
   *
   * @throws TickworkApiError `invalid_request`, `unknown_type`, `task_data_too_large`, `idempotency_key_reused` or
   * `tasks_deleted`
   * @example
   * const task = await client.create({
   *   type: "greet",
   *   task_data: { name: "Ada" },
   *   scheduled_time: new Date(Date.now() + 60_000),
   * });
   */
  create<Type extends TypeOf<Definitions>>(
    task: NewTaskOf<Definitions, Type>,
    options?: CreateOptions,
  ): Promise<TaskOf<Definitions, Type>>;
  /**
   * Creates any number of tasks and returns them in the same order. Up to 1,000 tasks and 4 MB are one request, which
   * creates all of them or none. More are several requests, one after the other, each with its own `timeoutMs`: if one
   * fails, the tasks of those before it stay. With an `idempotencyKey`, the same call with the same tasks then creates
   * the rest.
   *
   * @throws TickworkApiError as `create`
   * @example
   * const names = ["Ada", "Grace"];
   * const tasks = await client.createMany(
   *   names.map((name) => ({ type: "greet", task_data: { name } })),
   *   { idempotencyKey: "greetings-2026-11-24" },
   * );
   */
  createMany<const Types extends readonly TypeOf<Definitions>[]>(
    tasks: { [Index in keyof Types]: NewTaskOf<Definitions, Types[Index]> },
    options?: CreateOptions,
  ): Promise<{ -readonly [Index in keyof Types]: TaskOf<Definitions, Types[Index]> }>;
  /**
   * A task as it stands. With a task in place of its id, the type of the answer is known.
   *
   * @throws TickworkApiError `task_not_found`
   * @example const { task_status } = await client.get(7);
   */
  get<Type extends string = string>(
    task: TaskRef<Type>,
    options?: CallOptions,
  ): Promise<TaskOf<Definitions, Type>>;
  /**
   * The tasks, the newest first or as `sort` says. They are fetched by pages (of 50, or `pageSize`, 200 at most) when
   * they are asked for;
   * `timeoutMs` is for each page.
   *
   * @throws TickworkApiError `invalid_request`
   * @example
   * for await (const { id, error_data } of client.list({ type: "greet", status: "Error" }))
   *   console.log(id, error_data?.message);
   */
  list<Type extends string = string>(
    filter?: ListFilter<Type> & { pageSize?: number | undefined },
    options?: CallOptions,
  ): AsyncGenerator<TaskOf<Definitions, Type>, void, undefined>;
  /**
   * One page of the list, 50 tasks unless `limit` says otherwise, 200 at most; for lists with a button for more.
   *
   * @throws TickworkApiError `invalid_request`
   * @example
   * const first = await client.listPage({ limit: 20 });
   * const second = first.next_cursor && (await client.listPage({ limit: 20, cursor: first.next_cursor }));
   */
  listPage<Type extends string = string>(
    filter?: ListFilter<Type> & { limit?: number | undefined; cursor?: string | undefined },
    options?: CallOptions,
  ): Promise<TaskPage<TaskOf<Definitions, Type>>>;
  /**
   * Changes a task that has not started. It is not repeated when it may have been carried out: it could undo what
   * somebody else has changed in the meantime.
   *
   * @throws TickworkApiError `task_not_found`, `task_running`, `task_finished`, or as `create` for a value
   * @example await client.update(7, { scheduled_time: "2026-11-24T09:00:00Z" }, { userId: "ada" });
   */
  update<Type extends string = string>(
    task: TaskRef<Type>,
    changes: TaskChangesOf<Definitions, Type>,
    options?: ChangeOptions,
  ): Promise<TaskOf<Definitions, Type>>;
  /**
   * Deletes a task that is not running. A repetition that finds it gone after an answer was lost has succeeded.
   *
   * @throws TickworkApiError `task_not_found` or `task_running`
   * @example await client.remove(7);
   */
  remove(task: TaskRef, options?: CallOptions): Promise<void>;
  /**
   * Starts a finished task anew, at once. It is not repeated when it may have been carried out: the task could run
   * twice.
   *
   * @throws TickworkApiError `task_not_found`, `task_running` or `task_waiting`
   * @example const task = await client.retry(7);
   */
  retry<Type extends string = string>(
    task: TaskRef<Type>,
    options?: ChangeOptions,
  ): Promise<TaskOf<Definitions, Type>>;
  /**
   * Ends a waiting task in `Error`; asks a running one to stop, and returns it as it runs. A repetition that finds the
   * task cancelled after an answer was lost has succeeded.
   *
   * @throws TickworkApiError `task_not_found` or `task_finished`
   * @example const { task_status } = await client.cancel(7);
   */
  cancel<Type extends string = string>(
    task: TaskRef<Type>,
    options?: ChangeOptions,
  ): Promise<TaskOf<Definitions, Type>>;
  /**
   * Waits until a task has ended, and returns it: with `result_data` when it is `Completed`, with `error_data` when it
   * is
   * `Error`. It looks at once, then less and less often, in the end every 3 seconds; while the task is not due yet, every 30
   * seconds. Once it has seen the task, it repeats what fails until `timeoutMs` is over, 15 minutes by default.
   *
   * @throws TickworkApiError `task_not_found`
   * @throws TickworkTimeoutError when the task has not ended by then
   * @example
   * const task = await client.create({ type: "greet", task_data: { name: "Ada" } });
   * const ended = await client.waitFor(task, {
   *   timeoutMs: 30_000,
   *   onProgress: ({ progress }) => console.log(progress),
   * });
   * if (ended.task_status === "Completed") console.log(ended.result_data.hello);
   * else console.error(ended.error_data.message);
   */
  waitFor<Type extends string = string>(
    task: TaskRef<Type>,
    options?: WaitOptions<TaskOf<Definitions, Type>>,
  ): Promise<EndedTaskOf<Definitions, Type>>;
  /**
   * Pauses everything, a type, a queue or a key: what runs goes on, what waits starts when it is resumed. What is
   * paused already stays so, with the new reason.
   *
   * @throws TickworkApiError `invalid_request` or `unknown_type`
   * @example await client.pause({ type: "greet" }, { reason: "the mail server moves" });
   */
  pause(target: PauseTarget, options?: CallOptions & { reason?: string | undefined }): Promise<Pause>;
  /**
   * Resumes what was paused under this name; other pauses stay. Says whether it was paused.
   *
   * @throws TickworkApiError `invalid_request`
   * @example const { resumed } = await client.resume({ type: "greet" });
   */
  resume(target: PauseTarget, options?: CallOptions): Promise<{ resumed: boolean }>;
  /** What is paused, the oldest pause first. @example for (const { reason } of await client.pauses()) console.log(reason); */
  pauses(options?: CallOptions): Promise<Pause[]>;
  /** Recurring tasks. @example const { next_times } = await client.schedules.get("nightly"); */
  schedules: ClientSchedules;
  /** How many tasks may run or start. @example const limits = await client.limits.list(); */
  limits: ClientLimits;
  /** The state of the cache. @example const { cachedTasksCount } = await client.stats(); */
  stats(options?: CallOptions): Promise<CacheStats>;
  /** Whether Tickwork is healthy, and what was last reached. It needs no key. @example const { healthy } = await client.health(); */
  health(options?: CallOptions): Promise<Health>;
  /**
   * Rebuilds the cache from Postgres.
   *
   * @throws TickworkApiError `refresh_too_slow`
   * @example await client.refresh();
   */
  refresh(options?: CallOptions): Promise<CacheStats>;
  /** Whose key this client sends, and what it may do. @example const { scopes } = await client.identity(); */
  identity(options?: CallOptions): Promise<Identity>;
  /**
   * Makes an API key; this and the calls below need a key for `admin`. Its `key` is shown this once. It is not repeated
   * when it may have been carried out: there could be two.
   *
   * @throws TickworkApiError `invalid_request` or `too_many_keys`
   * @example
   * const { id, key } = await client.createKey({ name: "shop", scopes: ["write"], expires_at: "2030-01-01T00:00:00Z"
   * });
   */
  createKey(key: NewApiKey, options?: ChangeOptions): Promise<MadeApiKey>;
  /** The API keys, without what they are. @example const names = (await client.keys()).map(({ name }) => name); */
  keys(options?: CallOptions): Promise<ApiKey[]>;
  /**
   * Withdraws an API key, and ends the sessions that began with it: everywhere within a minute.
   *
   * @throws TickworkApiError `key_not_found`
   * @example for (const { id, name } of await client.keys()) if (name === "shop") await client.deleteKey(id);
   */
  deleteKey(id: number, options?: ChangeOptions): Promise<void>;
  /**
   * Who changed what, the newest first: keys, what operators did, tasks that were deleted. Pages as `listPage` has.
   *
   * @throws TickworkApiError `invalid_request`
   * @example const { entries } = await client.audit({ limit: 20 });
   */
  audit(
    page?: { limit?: number | undefined; cursor?: string | undefined },
    options?: CallOptions,
  ): Promise<{ entries: AuditEntry[]; next_cursor: string | null }>;
  /**
   * The whole at one glance: counts, what ended in the last minutes (180, or `minutes`, 1,440 at most) and what comes
   * in the next four hours.
   *
   * @throws TickworkApiError `invalid_request`
   * @example
   * const { counts } = await client.overview({ minutes: 60 });
   * console.log(counts.Error.count);
   */
  overview(options?: CallOptions & { minutes?: number | undefined }): Promise<Overview>;
  /**
   * A page of the types of task, by name: 50, or `limit`, 100 at most.
   *
   * @throws TickworkApiError `invalid_request`
   * @example const { types } = await client.types();
   */
  types(
    options?: CallOptions & { limit?: number | undefined; after?: string | undefined },
  ): Promise<{ types: TypeInfo[]; next: string | null }>;
  /**
   * A type of task, and what its data must look like, as JSON Schema: null when it takes any, or its library cannot
   * describe it.
   *
   * @example const { runs, schema } = await client.type("greet");
   */
  type(name: string, options?: CallOptions): Promise<TypeInfo & { schema: Record<string, unknown> | null }>;
  /**
   * The operator's override of the running flag: `true` keeps tasks from starting, for 15 minutes or until `false`,
   * which releases all flags.
   *
   * @example await client.setRunning(false);
   */
  setRunning(isRunning: boolean, options?: CallOptions): Promise<{ isRunning: boolean }>;
  /** Ends every running task in `Error` and releases the flags. @example const { reset } = await client.resetStuck(); */
  resetStuck(options?: CallOptions): Promise<{ reset: Pick<Task, "id">[]; isRunning: boolean }>;
}
