type Schemas = typeof import("./new-task.ts");

let loaded: Schemas | undefined;

/** The schemas of new tasks, loaded when the first task is created or changed, which a tick rarely does. */
export async function loadSchemas(): Promise<Schemas> {
  loaded ??= await import("./new-task.ts");
  return loaded;
}
