/** Postgres: whether it can be used, by this user, with this schema; and what waits there. */
import { existsSync } from "node:fs";
import type { Config, Database } from "#core";
import { type ServerState, serverState, type TaskState, taskState } from "../../core/store/diagnose.ts";
import { schemaVersion } from "../../core/store/schema/migrate.ts";
import { SCHEMA_VERSION } from "../../core/store/schema/migrations.ts";
import { postgresFolder } from "../../local/embedded-postgres.ts";
import { withDatabase } from "../../local/with-database.ts";
import { compareClock } from "./clock.ts";
import { type Finding, failed, note, ok, problem } from "./finding.ts";
import { checkDue, checkStuck } from "./tasks.ts";

/** @param types that the module of tasks has, if there is one */
export async function checkPostgres(
  config: Config,
  user: string | undefined,
  types: readonly string[] | undefined,
): Promise<Finding[]> {
  if (config.databaseUrl === undefined && !existsSync(postgresFolder(config.dataDir)))
    return [ok("postgres", `the embedded one is made in ${config.dataDir} when a server first starts`)];
  try {
    return await withDatabase(config, user, (database) => examine(database, types));
  } catch (error) {
    return [failed("postgres", error)];
  }
}

async function examine(database: Database, types: readonly string[] | undefined): Promise<Finding[]> {
  const state = await serverState(database);
  const found = [
    ok("postgres", `answers, version ${state.version.split(" ")[0]}`),
    await compareClock("postgres clock", async () => (await serverState(database)).now_ms),
    checkRights(state),
  ];
  const version = await schemaVersion(database);
  found.push(checkSchema(version));
  if (version !== SCHEMA_VERSION || state.missing_rights.length > 0) return found;
  const tasks: TaskState = await taskState(database);
  return [...found, checkStuck(tasks), ...checkDue(tasks, types)];
}

function checkRights({
  read_only,
  user,
  schema,
  may_create,
  has_table,
  missing_rights,
  owns_table,
}: ServerState): Finding {
  const check = "postgres rights";
  if (read_only) return problem(check, "it can only be read", "use the address of the primary");
  if (missing_rights.length > 0)
    return problem(
      check,
      `${user} may not ${missing_rights.join(", ")} in "baasix_Tasks"`,
      `as its owner: grant ${missing_rights.join(", ")} on "baasix_Tasks" to "${user}";`,
    );
  if (!has_table && (schema === null || !may_create))
    return problem(
      check,
      `${user} may not create tables in ${schema === null ? "any schema of the search path" : `schema ${schema}`}`,
      schema === null
        ? "add ?options=-csearch_path%3Dpublic to DATABASE_URL, or set the search path of the user"
        : `as its owner: grant create on schema ${schema} to "${user}";`,
    );
  if (!owns_table)
    return note(
      check,
      `${user} may use "baasix_Tasks" but not change its columns`,
      "migrate as its owner: DATABASE_URL=… npx tickwork migrate",
    );
  return ok(check, `${user} may do what Tickwork needs`);
}

function checkSchema(version: number): Finding {
  const check = "schema";
  if (version === SCHEMA_VERSION) return ok(check, `version ${version}, as this package needs it`);
  if (version < SCHEMA_VERSION)
    return problem(
      check,
      version === 0 ? "there is none yet" : `version ${version}, and this package needs ${SCHEMA_VERSION}`,
      "run `npx tickwork migrate`; --dry-run shows what it would do",
    );
  return problem(
    check,
    `version ${version} is newer than this package, which needs ${SCHEMA_VERSION}`,
    "update it: npm install tickwork@latest",
  );
}
