/** What docs/transactions.md shows is what happens, by each library. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createDatabase as createTickworkDatabase, migrate, silent, systemClock } from "#core";
import { openPg } from "../../packages/drivers/pg.ts";
import { createDatabase, serversAnswer } from "../../scripts/local-servers.ts";
import { embeddedConnectBed } from "../support/connect/describe-connections.ts";
import { openPrisma } from "../support/connect/prisma-client.ts";
import { blocksOf, writeProgram } from "../support/documents.ts";

const DOCUMENT = "docs/transactions.md";

describe("a list of statements over Neon's HTTP", () => {
  const bed = embeddedConnectBed();
  const folder = writeProgram(DOCUMENT);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  test("is one transaction: both are there, or neither", async () => {
    await bed.sql("create table orders (id serial primary key, item text not null)");
    vi.stubEnv("DATABASE_URL", bed.databaseUrl);
    const { order } = await import(join(folder, "by-neon-http.ts"));
    vi.unstubAllEnvs();
    const id = await order("a book");
    expect(await bed.sql(`select task_data from "baasix_Tasks" where id = $1`, [id])).toHaveLength(1);
    await expect(order(null)).rejects.toThrow(/null value/);
    const counts = [await bed.sql("select from orders"), await bed.sql(`select from "baasix_Tasks"`)];
    expect(counts.map(({ length }) => length)).toEqual([1, 1]);
  });
});

describe.skipIf(!serversAnswer)("the transactions of the document", () => {
  const folder = writeProgram(DOCUMENT);
  // biome-ignore lint/suspicious/noExplicitAny: the document is not known to the compiler here
  const file = async (name: string): Promise<any> => import(join(folder, name));
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let driver: Awaited<ReturnType<typeof openPg>>;
  const sql = (text: string) =>
    driver.query({ text }, new AbortController().signal) as Promise<Record<string, unknown>[]>;
  beforeAll(async () => {
    database = await createDatabase();
    driver = await openPg(database.url);
    await migrate(createTickworkDatabase(driver, systemClock), silent);
    await sql("create table orders (id serial primary key, item text not null)");
    vi.stubEnv("DATABASE_URL", database.url);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    const [{ tickwork }, { pool }] = await Promise.all([file("tickwork.ts"), file("by-pg.ts")]);
    await tickwork.close();
    await pool.end();
    await driver.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(["by-pg.ts", "by-drizzle.ts", "by-kysely.ts", "by-prisma.ts"])(
    "%s: both are there, or neither",
    async (name) => {
      const { order } = await file(name);
      const prisma = name === "by-prisma.ts" ? openPrisma(database.url) : undefined;
      const place = (item: unknown) => (prisma ? order(prisma, item) : order(item));
      const task = await place("a book");
      const [row] = await sql(
        `select o.id from orders o join "baasix_Tasks" t on (t.task_data->>'order')::int = o.id where t.id = ${task.id}`,
      );
      expect(row?.id).toBe(task.task_data.order);
      // It has no item, so that the table refuses it.
      await expect(place(null)).rejects.toThrow();
      const counts = await sql(
        `select (select count(*) from orders) = (select count(*) from "baasix_Tasks") as same`,
      );
      expect(counts).toEqual([{ same: true }]);
      await prisma?.$disconnect();
    },
  );

  test("by hand, and in SQL", async () => {
    const { order } = await file("by-hand.ts");
    expect((await order(1)).task_data).toEqual({ order: 1 });
    const [queries = "", grants = ""] = blocksOf(DOCUMENT).flatMap(({ language, code }) =>
      language === "sql" ? [code] : [],
    );
    for (const query of queries.trim().split("\n")) expect(await sql(query)).toHaveLength(1);
    expect(grants).toContain("grant execute on function tickwork.enqueue to app");
  });
});
