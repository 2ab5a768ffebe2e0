/** What `init` writes. */
import type { Project } from "./project.ts";

/** The libraries of schemas that a project may have, with what the data of `greet` are in them. */
const SCHEMAS: readonly [name: string, imports: string, schema: string][] = [
  ["valibot", 'import * as v from "valibot";', "v.object({ name: v.string() })"],
  ["zod", 'import { z } from "zod";', "z.object({ name: z.string() })"],
  ["arktype", 'import { type } from "arktype";', 'type({ name: "string" })'],
];

/** With a schema, if the project has a library for that. */
export function tasksTemplate({ packages }: Pick<Project, "packages">): string {
  const [, imports, schema] = SCHEMAS.find(([name]) => packages.has(name)) ?? [];
  return schema === undefined ? withoutSchema : withSchema(imports ?? "", schema);
}

const HEAD = `/** The tasks of this project: each export that \`defineTask\` makes is one. */`;

const withSchema = (imports: string, schema: string) => `${HEAD}
import { defineTask } from "tickwork";
${imports}

export const greet = defineTask({
  type: "greet",
  data: ${schema},
  maxAttempts: 3,
  async run({ name }, { log, progress }) {
    log.info("greeting", { name });
    await progress(0.5);
    return { greeting: \`Hello \${name}\` };
  },
});
`;

const withoutSchema = `${HEAD}
import { defineTask } from "tickwork";

export const greet = defineTask({
  type: "greet",
  // With a schema (Valibot, Zod, ArkType) as \`data\`, the data have a type, and what does not match is refused at once.
  maxAttempts: 3,
  async run(data, { log, progress }) {
    const { name = "world" } = (data ?? {}) as { name?: string };
    log.info("greeting", { name });
    await progress(0.5);
    return { greeting: \`Hello \${name}\` };
  },
});
`;

export const ENV_EXAMPLE = `# The settings of Tickwork. Copy this file to .env and uncomment what you want to change; an empty value counts as unset.

# The address of Postgres: postgres://user:password@host:5432/database. Unset: an embedded Postgres in DATA_DIR.
# DATABASE_URL=

# The address of Redis: redis://host:6379, rediss:// for TLS, or https:// for Upstash. Unset: an embedded Redis.
# CACHE_REDIS_URL=

# The token of an https:// address of Upstash.
# CACHE_REDIS_TOKEN=

# The key that callers send as \`Authorization: Bearer …\`. Unset: one is generated once and kept in DATA_DIR.
# API_KEY=

# Where the server listens.
# HOST=127.0.0.1
# PORT=3000

# The folder of the embedded Postgres, the generated key and temporary files.
# DATA_DIR=.tickwork

# Tasks that run at a time.
# TASK_CONCURRENCY=1
`;
