/** The names in docs/moving.md are those of the libraries that it is about, as far as they are installed here. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tasksService } from "#compat";
import { createDatabase, migrate, silent, systemClock } from "#core";
import { pgliteDriver } from "#drivers";
import { openTemplate } from "../support/bed/template.ts";
import { blocksOf, ROOT } from "../support/documents.ts";
import { filesOf, read } from "../support/imports.ts";

const DOCUMENT = "docs/moving.md";
const [, ...sections] = readFileSync(join(ROOT, DOCUMENT), "utf8").split("\n## ");

/** What stands in a column of a section's tables, piece of code by piece. */
function codeIn(title: string, column: 0 | 1): string[] {
  const section = sections.find((text) => text.startsWith(`${title}\n`)) ?? "";
  const cells = [...section.matchAll(/^\| (.+) \| (.+) \|$/gm)].map(([, ...both]) => both[column] ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code));
}
/** The last name before a parenthesis, or the whole. */
const nameIn = (code: string) => /(\w+)(?=\()/.exec(code)?.[1] ?? /^\w+$/.exec(code)?.[0];
const namesIn = (title: string, column: 0 | 1) => codeIn(title, column).flatMap((code) => nameIn(code) ?? []);

test("of Baasix's service, every method is there", () => {
  const named = namesIn("From Baasix", 0).filter((name) =>
    /^(get|is|set|try|release|claim|acquire|force)/.test(name),
  );
  expect(named.length).toBeGreaterThan(10);
  for (const name of named.filter((one) => one !== "getSequelize")) expect(tasksService).toHaveProperty(name);
});

test("graphile-worker has every name", () => {
  const folder = join(ROOT, "node_modules/graphile-worker/dist");
  const declared = readdirSync(folder)
    .filter((file) => file.endsWith(".d.ts"))
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");
  const named = [
    ...namesIn("From graphile-worker", 0),
    ...codeIn("From graphile-worker", 0).flatMap((code) => /^helpers\.(\w+)/.exec(code)?.[1] ?? []),
  ];
  expect(named.length).toBeGreaterThan(20);
  for (const name of named) expect(declared, name).toMatch(new RegExp(`\\b${name}\\b`));
});

describe("Tickwork has every name of", () => {
  const sources = ["packages", "infra"].flatMap(filesOf).map(read).join("\n");
  test.each(["From Baasix", "From pg-boss", "From graphile-worker"])("%s", (title) => {
    const named = namesIn(title, 1).filter((name) => name !== "return" && name !== "throw");
    expect(named.length).toBeGreaterThan(5);
    for (const name of named) expect(sources, name).toMatch(new RegExp(`\\b${name}\\b`));
  });
});

test("what waits in pg-boss is copied by the statement", async () => {
  const { db, close } = await openTemplate();
  const driver = pgliteDriver(db);
  await migrate(createDatabase(driver, systemClock), silent);
  // Of its table, what the statement reads, with the types that pg-boss 12 gives it.
  await db.exec(`create schema pgboss;
    create type pgboss.job_state as enum ('created', 'retry', 'active', 'completed', 'cancelled', 'failed');
    create table pgboss.job (name text, data jsonb, state pgboss.job_state, start_after timestamptz);
    insert into pgboss.job values ('greet', '{"name": "Ada"}', 'created', '2026-11-24T09:00:00Z'),
      ('greet', '{"name": "Grace"}', 'completed', '2026-11-24T09:00:00Z')`);
  const [sql] = blocksOf(DOCUMENT).filter(({ language }) => language === "sql");
  await db.exec(sql?.code ?? "");
  const rows = await driver.query(
    { text: `select type, task_status, task_data from "baasix_Tasks"` },
    AbortSignal.timeout(5_000),
  );
  expect(rows).toEqual([{ type: "greet", task_status: "Not started", task_data: { name: "Ada" } }]);
  await close();
});
