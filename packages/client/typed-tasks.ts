/** Tasks with the types that their definitions give them. Nothing of this is there at run time. */
import type {
  DataOf,
  NewTask,
  ResultOf,
  Stored,
  Task,
  TaskChanges,
  TaskDefinition,
  TaskErrorData,
  TaskFilter,
  TaskSort,
} from "#core";

/** A client that is told of no definitions takes any type of task, with any data. */
export type AnyDefinitions = readonly TaskDefinition[];

/** The definitions of a module, by the rule of `definitionsOf`; of a tuple, of a union, or a single one. */
type DefinitionIn<Definitions> = Definitions extends TaskDefinition
  ? Definitions
  : Definitions extends readonly (infer One)[]
    ? Extract<One, TaskDefinition>
    : Definitions extends { readonly definitions: infer List }
      ? DefinitionIn<List>
      : Extract<Definitions[keyof Definitions], TaskDefinition>;

/** Those whose type is known when it compiles: of a `foreignTask` or a `lazyTask` it is any string. */
type Literal<Definition> = Definition extends { type: infer Type }
  ? string extends Type
    ? never
    : Definition
  : never;

/**
 * The types of task that a client may create: those of its definitions, or any string if it knows none.
 *
 * @example const type: TypeOf<typeof import("./tasks.ts")> = "greet";
 */
export type TypeOf<Definitions = AnyDefinitions> = [Literal<DefinitionIn<Definitions>>] extends [never]
  ? string
  : Literal<DefinitionIn<Definitions>>["type"];

/** The definition of a type; any where nothing is known of it. */
type DefinitionOf<Definitions, Type extends string> = [Known<Definitions, Type>] extends [never]
  ? TaskDefinition
  : Known<Definitions, Type>;
type Known<Definitions, Type extends string> = string extends Type
  ? never
  : Extract<DefinitionIn<Definitions>, { type: Type }>;

/**
 * A task to be created. Its `task_data` may be left out where the schema of its type accepts that.
 *
 * @example const task: NewTaskOf<typeof import("./tasks.ts"), "greet"> = { type: "greet", task_data: { name: "Ada" } };
 */
export type NewTaskOf<
  Definitions = AnyDefinitions,
  Type extends string = TypeOf<Definitions>,
> = Type extends string
  ? Omit<NewTask, "type" | "task_data"> & { type: Type } & DataField<DataOf<DefinitionOf<Definitions, Type>>>
  : never;
type DataField<Data> = undefined extends Data ? { task_data?: Data } : { task_data: Data };

/**
 * What may be changed of a task.
 *
 * @example const changes: TaskChangesOf = { scheduled_time: new Date(Date.now() + 60_000) };
 */
export type TaskChangesOf<Definitions = AnyDefinitions, Type extends string = string> = Omit<
  TaskChanges,
  "type" | "task_data"
> & {
  type?: Type | undefined;
  task_data?: DataOf<DefinitionOf<Definitions, Type>> | undefined;
};

/**
 * A task as it stands: `task_data` as it was posted, `result_data` as `run` returned it, both as JSON has them. These
 * are the types of today's definitions; a task of an earlier version of the code is what it was then.
 *
 * @example const nameOf = (task: TaskOf<typeof import("./tasks.ts"), "greet">) => task.task_data.name;
 */
export type TaskOf<Definitions = AnyDefinitions, Type extends string = string> = Type extends string
  ? With<
      Task,
      {
        type: Type;
        task_data: Stored<DataOf<DefinitionOf<Definitions, Type>>>;
        result_data: Result<Definitions, Type> | null;
        error_data: ErrorOf<Type> | null;
      }
    >
  : never;

/**
 * A task that has ended, as `waitFor` returns it: `task_status` tells whether it has a result or an error.
 *
 * @example
 * const resultOf = (task: EndedTaskOf) => (task.task_status === "Completed" ? task.result_data : undefined);
 */
export type EndedTaskOf<Definitions = AnyDefinitions, Type extends string = string> = Type extends string
  ?
      | With<
          TaskOf<Definitions, Type>,
          { task_status: "Completed"; result_data: Result<Definitions, Type>; error_data: null }
        >
      | With<
          TaskOf<Definitions, Type>,
          {
            task_status: "Error";
            result_data: null;
            error_data: ErrorOf<Type>;
          }
        >
  : never;

type Result<Definitions, Type extends string> = ResultOf<DefinitionOf<Definitions, Type>>;

/** What other programs write there is anybody's guess. */
type ErrorOf<Type extends string> = string extends Type ? unknown : TaskErrorData;

/** With other types for some of its fields. */
type With<Fields, Others> = Omit<Fields, keyof Others> & Others;

/**
 * Names a task: its id, or the task itself, by which the type of the answer is known.
 *
 * @example const ref: TaskRef<"greet"> = { id: 7, type: "greet" };
 */
export type TaskRef<Type extends string = string> = number | { readonly id: number; readonly type: Type };

/**
 * Which tasks to list, and in which order: those that meet all of it. With anything beside `status` and `type`, each
 * page looks through 10,000 tasks, so it may have none and not be the last.
 */
export interface ListFilter<Type extends string = string> extends TaskFilter {
  type?: Type | undefined;
  /** Default: `-created`, the newest first. */
  sort?: TaskSort | undefined;
}

/** A page of the list. */
export interface TaskPage<Listed = Task> {
  tasks: Listed[];
  /** Of the next page; null on the last. A page may have fewer tasks than `limit` and not be the last. */
  next_cursor: string | null;
}
