/** One suite for the drivers of Postgres: to core they are all the same. */
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresDriver, Statement } from "#core";
import { createDatabase, systemClock } from "#core";
import { openNeon, openPg, pgliteDriver } from "#drivers";
import { createDatabase as createScratch, randomName, serversAnswer } from "../../scripts/local-servers.ts";
import { openTemplate } from "../support/bed/template.ts";
import { answerNeon, forgetNeon } from "../support/wires/neon-wire.ts";
import { openPgBackend } from "../support/wires/pg-backend.ts";
import { pgliteBackend } from "../support/wires/pglite-backend.ts";

const KINDS = {
  pglite: async () => {
    const { db, close } = await openTemplate();
    return { ...pgliteDriver(db), close };
  },
  "neon, its protocol in front of PGlite": async () => {
    const { db, close } = await openTemplate();
    const url = answerNeon(randomName(), pgliteBackend(db));
    return {
      ...openNeon(url),
      close: async () => {
        forgetNeon(url);
        await close();
      },
    };
  },
  ...(serversAnswer && {
    pg: async () => {
      const scratch = await createScratch();
      const driver = openPg(scratch.url);
      return {
        ...driver,
        close: async () => {
          await driver.close();
          await scratch.drop();
        },
      };
    },
    "neon, its protocol in front of a real server": async () => {
      const scratch = await createScratch();
      const backend = openPgBackend(scratch.url);
      const url = answerNeon(randomName(), backend);
      return {
        ...openNeon(url),
        close: async () => {
          forgetNeon(url);
          await backend.close();
          await scratch.drop();
        },
      };
    },
  }),
} satisfies Record<string, (() => Promise<PostgresDriver>) | undefined>;

const waiting = new AbortController().signal;
const MEGABYTE = 1024 * 1024;

describe.each(Object.entries(KINDS))("%s", (_, open) => {
  let driver: PostgresDriver;
  beforeAll(async () => {
    driver = await open();
    await query("create table one (id integer primary key, note text check (note <> 'refused'))");
  });
  afterAll(() => driver?.close());

  const query = (text: string, params: unknown[] = []) => driver.query({ text, params }, waiting);
  const transaction = (...statements: Statement[]) => driver.transaction(statements, waiting);

  test("values come back as the same types from all of them", async () => {
    const [row] = await query(
      `select 7::int as int4, 9007199254740993::bigint as int8, 1.50::numeric as numeric, 0.1::float8 as float8,
        0.5::real as float4, true as bool, 'é "x"'::text as text, null::text as nothing, '{"a": [1, null]}'::json as json,
        '{"b": "2"}'::jsonb as jsonb, timestamptz '2026-11-24 10:00:00.123+01' as time`,
    );
    expect(row).toEqual({
      int4: 7,
      int8: "9007199254740993",
      numeric: "1.50",
      float8: 0.1,
      float4: 0.5,
      bool: true,
      text: 'é "x"',
      nothing: null,
      json: { a: [1, null] },
      jsonb: { b: "2" },
      time: new Date("2026-11-24T09:00:00.123Z"),
    });
  });

  test("parameters are text to the driver, whatever their type", async () => {
    const [row] = await query(
      `select $1::bigint as int8, $2::float8 as float8, $3::boolean as bool, $4::json as json, $5::text as nothing,
        $6::bigint[] = '{1,2}' as list, $7::text as text, $8::timestamptz as time`,
      ["9007199254740993", 0.1, false, '{"a":1}', null, "{1,2}", "true", new Date("2026-11-24T09:00:00Z")],
    );
    expect(row).toEqual({
      int8: "9007199254740993",
      float8: 0.1,
      bool: false,
      json: { a: 1 },
      nothing: null,
      list: true,
      text: "true",
      time: new Date("2026-11-24T09:00:00Z"),
    });
  });

  test("no rows are an empty list, also of a statement that writes", async () => {
    expect(await query("select 1 where false")).toEqual([]);
    expect(await query("update one set note = 'x' where false")).toEqual([]);
  });

  test.each([
    ["a key that is there", "insert into one values (1), (1)", { code: "23505", constraint: "one_pkey" }],
    ["a check", "insert into one values (2, 'refused')", { code: "23514", constraint: "one_note_check" }],
    ["a table that is not there", "select * from nowhere", { code: "42P01" }],
    ["its syntax", "selec 1", { code: "42601" }],
    ["a value of another type", "select 'x'::integer", { code: "22P02" }],
    ["two statements in one", "select 1; select 2", { code: "42601" }],
  ])("a statement that is refused for %s says so by its SQLSTATE", async (_what, text, error) => {
    await expect(query(text)).rejects.toMatchObject(error);
    expect(await query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("a transaction is done whole", async () => {
    const results = await transaction(
      { text: "insert into one values ($1, $2)", params: [10, "a"] },
      { text: "select note from one where id = 10" },
    );
    expect(results).toEqual([[], [{ note: "a" }]]);
  });

  test("a transaction that fails in the middle changes nothing, and says why", async () => {
    await expect(
      transaction({ text: "insert into one values (20)" }, { text: "insert into one values (20)" }),
    ).rejects.toMatchObject({ code: "23505" });
    expect(await query("select * from one where id = 20")).toEqual([]);
  });

  test("large parameters and answers arrive whole", async () => {
    const text = "ä".repeat(MEGABYTE / 2);
    const [row] = (await query("select $1::text as text, repeat('x', $2::int) as many", [
      text,
      8 * MEGABYTE,
    ])) as { text: string; many: string }[];
    expect(row?.text).toBe(text);
    expect(row?.many).toHaveLength(8 * MEGABYTE);
    expect(await query("select n from generate_series(1, 10000) n")).toHaveLength(10_000);
  });

  test("queries beside each other get their own answers", async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => query("select $1::int as n", [n])),
    );
    expect(answers.flat()).toEqual(Array.from({ length: 30 }, (_, n) => ({ n })));
  });
});

describe.skipIf(!serversAnswer)("pg on a real server", () => {
  let scratch: Awaited<ReturnType<typeof createScratch>>;
  let driver: PostgresDriver;
  beforeAll(async () => {
    scratch = await createScratch();
    driver = openPg(scratch.url);
  });
  afterAll(async () => {
    await driver?.close();
    await scratch?.drop();
  });
  const cut = { text: "select pg_terminate_backend(pg_backend_pid())" };
  const fine = { text: "select 1 as one" };

  test("a connection that Postgres cuts, in a transaction too, costs its caller an error and nobody else anything", async () => {
    // What Postgres says while it cuts the connection comes when nobody waits for it: that could end the process.
    await expect(driver.transaction([fine, cut, fine], waiting)).rejects.toThrow("terminating connection");
    await expect(driver.query(cut, waiting)).rejects.toThrow("terminating connection");
    expect(await driver.transaction([fine, fine], waiting)).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  });

  test("an aborted query costs its connection and no other, and nothing of it stays behind", async () => {
    const aborter = new AbortController();
    const asked = expect(driver.query({ text: "select pg_sleep(60)" }, aborter.signal)).rejects.toThrow();
    setTimeout(() => aborter.abort(), 50);
    await asked;
    expect(await driver.query(fine, waiting)).toEqual([{ one: 1 }]);
    await expect(driver.query(fine, AbortSignal.abort())).rejects.toThrow();
    expect(await driver.query(fine, waiting)).toEqual([{ one: 1 }]);
  });

  test("a statement that Postgres ends for its time is transient, and says so without the password", async () => {
    const database = createDatabase(driver, systemClock);
    const slow = [{ text: "set local statement_timeout = 20" }, { text: "select pg_sleep(5)" }];
    await expect(database.transaction(slow)).rejects.toMatchObject({ sqlState: "57014", transient: true });
  });
});

describe("pg without an answer", () => {
  const listen = async (answer: (socket: Socket) => void) => {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    return { url: `postgres://user:secret@127.0.0.1:${port}/nothing`, close: () => server.close() };
  };

  test("a server that is not there, or hangs up, is an error that may pass and does not tell the password", async () => {
    const gone = await listen((socket) => socket.destroy());
    const driver = openPg(gone.url);
    const database = createDatabase(driver, systemClock);
    const error = await database.query({ text: "select 1" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ sqlState: undefined, transient: true });
    expect(String(error)).not.toContain("secret");
    await driver.close();
    gone.close();
  });

  test("a server that accepts connections and says nothing is an error after ten seconds", async () => {
    const silent = await listen(() => {});
    const driver = openPg(silent.url);
    await expect(driver.query({ text: "select 1" }, waiting)).rejects.toThrow("timeout");
    await driver.close();
    silent.close();
  });
});
