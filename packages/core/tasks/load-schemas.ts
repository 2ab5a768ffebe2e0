type Schemas = typeof import("./new-task.ts");

let loaded: Schemas | undefined;

/** The schemas of new tasks: loaded when somebody first makes or changes one, which a tick as a rule does not. */
export async function loadSchemas(): Promise<Schemas> {
  loaded ??= await import("./new-task.ts");
  return loaded;
}
