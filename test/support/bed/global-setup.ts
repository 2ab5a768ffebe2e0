import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { serversAnswer } from "../../../scripts/local-servers.ts";
import { buildPrograms } from "./programs.ts";
import { STACK_NAMES } from "./stack-names.ts";
import { makeTemplate, makeTemplateDatabase } from "./template.ts";

const ON_REAL_SERVERS = ` ${STACK_NAMES["real servers"]}`;

export default async function setup({ vitest }: TestProject) {
  // Whatever tests leave behind goes with the run. A Postgres of chaos's own has another user.
  const temporary = mkdtempSync(join(tmpdir(), "tickwork-tests-"));
  chmodSync(temporary, 0o755);
  process.env.TMPDIR = temporary;
  const [template, programs, database] = await Promise.all([
    makeTemplate(),
    buildPrograms(),
    serversAnswer ? makeTemplateDatabase() : undefined,
  ]);
  process.env.TICKWORK_TEMPLATE = template;
  process.env.TICKWORK_PROGRAMS = programs;
  if (database) process.env.TICKWORK_TEMPLATE_DATABASE = new URL(database.url).pathname.slice(1);
  return async () => {
    await database?.drop();
    for (const folder of [temporary, programs])
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    if (!serversAnswer) console.warn(`\n${describeSkipped(vitest.state.getTestModules())}\n`);
  };
}

/** One line that names the suites for which this machine has no servers. */
function describeSkipped(modules: ReturnType<TestProject["vitest"]["state"]["getTestModules"]>): string {
  const names = modules.flatMap(({ children }) =>
    [...children.allSuites()]
      .filter((suite) => suite.name.endsWith(ON_REAL_SERVERS) && suite.state() === "skipped")
      .map(({ name }) => name.slice(0, -ON_REAL_SERVERS.length)),
  );
  return `SKIPPED${ON_REAL_SERVERS}, because PostgreSQL at 127.0.0.1:5432 or Redis at 127.0.0.1:6379 does not answer: ${names.sort().join(", ")}.`;
}
