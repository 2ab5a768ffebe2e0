/** One suite for every driver of Postgres: core must not be able to tell them apart. */
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  createDatabase,
  type Database,
  type PostgresDriver,
  type PostgresError,
  type Statement,
  systemClock,
} from "#core";
import { POSTGRES_TIMEOUT_MS } from "../../packages/core/limits.ts";
import { databases, type OpenedDatabase, PASSWORD } from "../support/drivers/databases.ts";
import { eventually } from "../support/eventually.ts";

/** The error of a request that has to fail. */
async function failure(request: Promise<unknown>): Promise<PostgresError> {
  return request.then(
    (answer) => {
      throw new Error(`it answered ${inspect(answer)}`);
    },
    (error: PostgresError) => error,
  );
}

describe.each(Object.entries(databases))("%s", (name, open) => {
  let opened: OpenedDatabase;
  let database: Database;
  const query = <Row>(text: string, params: unknown[] = []) => database.query<Row>({ text, params });

  beforeAll(async () => {
    opened = await open();
    database = createDatabase(opened.driver, systemClock);
    await query(`create type mood as enum ('good', 'bad, or worse')`);
    await query(
      `create table things (id int constraint things_key primary key, name text not null,
        size int constraint things_size check (size > 0), owner int constraint things_owner references things
        deferrable initially deferred)`,
    );
  });
  afterEach(async () => {
    if (opened.proxy) {
      opened.proxy.mode = "open";
      opened.proxy.cut = undefined;
    }
    await query("delete from things");
  });
  afterAll(() => opened?.close());

  const names = async () =>
    (await query<{ name: string }>("select name from things order by id")).map((thing) => thing.name);
  const insert = (id: number): Statement => ({
    text: "insert into things (id, name) values ($1, $2)",
    params: [id, `thing ${id}`],
  });

  describe("values", () => {
    test("come back the same from every driver", async () => {
      const [row] = await query(`select 9007199254740993::int8 as int8, 12.340::numeric as numeric, 7 as int4,
        2::int2 as int2, 1.5::float8 as float8, 0.25::float4 as float4, 'NaN'::float8 as nan, true as yes,
        false as no, ''::text as empty, 'null'::text as word, '123'::varchar as digits, 'ab'::char(4) as padded,
        '{"a": [1, null, "é"]}'::json as json, '[true]'::jsonb as jsonb, 'null'::jsonb as json_null,
        '"text"'::json as json_text, '2027-01-11T12:00:00.123+02'::timestamptz as timestamptz,
        'infinity'::timestamptz as never, '\\x00ff10'::bytea as bytea,
        'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::uuid as uuid, 'good'::mood as mood,
        array['a', null, 'b,"c\\'] as texts, array[1, 2] as ints, array[[1], [2]] as nested,
        '{}'::int[] as none, array[9007199254740993]::int8[] as int8s, array[true, null] as booleans,
        array['good', 'bad, or worse']::mood[] as moods, array['{"a": 1}']::json[] as jsons`);
      expect(row).toEqual({
        int8: "9007199254740993",
        numeric: "12.340",
        int4: 7,
        int2: 2,
        float8: 1.5,
        float4: 0.25,
        nan: Number.NaN,
        yes: true,
        no: false,
        empty: "",
        word: "null",
        digits: "123",
        padded: "ab  ",
        json: { a: [1, null, "é"] },
        jsonb: [true],
        json_null: null,
        json_text: "text",
        timestamptz: new Date("2027-01-11T10:00:00.123Z"),
        never: Number.POSITIVE_INFINITY,
        bytea: Buffer.from([0, 255, 16]),
        uuid: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        mood: "good",
        texts: ["a", null, 'b,"c\\'],
        ints: [1, 2],
        nested: [[1], [2]],
        none: [],
        int8s: ["9007199254740993"],
        booleans: [true, null],
        moods: '{good,"bad, or worse"}',
        jsons: [{ a: 1 }],
      });
    });

    test("arrive the same from every driver", async () => {
      const given = [
        ["text", 'O\'Reilly \\ "x" \n', 'O\'Reilly \\ "x" \n'],
        ["text", "123", "123"],
        ["text", "", ""],
        ["text", null, null],
        ["text", undefined, null],
        ["text", "日本 👩‍🚀 é", "日本 👩‍🚀 é"],
        ["int4", 42, 42],
        ["int8", "9007199254740993", "9007199254740993"],
        ["numeric", 0.1, "0.1"],
        ["float8", 1e-7, 1e-7],
        ["bool", false, false],
        ["json", { a: ["é", null] }, { a: ["é", null] }],
        ["json", '["text"]', ["text"]],
        ["timestamptz", new Date(1_800_000_000_123), new Date(1_800_000_000_123)],
        ["timestamptz", "2027-01-11T12:00:00Z", new Date("2027-01-11T12:00:00Z")],
        ["bytea", Buffer.from([0, 1, 255]), Buffer.from([0, 1, 255])],
        ["text[]", ['a"b', "c\\d", null, ""], ['a"b', "c\\d", null, ""]],
        ["int8[]", [1, 2], ["1", "2"]],
        ["text[]", '{"x y",z}', ["x y", "z"]],
        ["mood", "bad, or worse", "bad, or worse"],
      ] as const;
      const [row] = await query(
        `select ${given.map(([type], n) => `$${n + 1}::${type} as v${n}`).join(", ")}`,
        given.map(([, value]) => value),
      );
      expect(row).toEqual(Object.fromEntries(given.map(([, , expected], n) => [`v${n}`, expected])));
    });

    test("no rows are an empty list, whatever the statement", async () => {
      expect(await query("select 1 as n where false")).toEqual([]);
      expect(await query("insert into things (id, name) values (1, 'a')")).toEqual([]);
      expect(await query("update things set name = 'b' where id = 2 returning id")).toEqual([]);
      expect(await query("select from things")).toEqual([{}]);
    });

    test("many at once each get their own answer", async () => {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => query<{ n: number }>("select $1::int as n", [n])),
      );
      expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    });

    test("a row of 8 MB, 10,000 rows and a parameter of 1 MB are no exception", async () => {
      const [big] = await query<{ text: string }>("select repeat('é', 4 * 1024 * 1024) as text");
      expect(big?.text.length).toBe(4 * 1024 * 1024);
      const rows = await query<{ n: number; text: string }>(
        "select n, 'row ' || n as text from generate_series(1, 10000) n",
      );
      expect([rows.length, rows[9_999]]).toEqual([10_000, { n: 10_000, text: "row 10000" }]);
      const parameter = "ab".repeat(512 * 1024);
      const [sent] = await query<{ text: string }>("select $1::text as text", [parameter]);
      expect(sent?.text === parameter).toBe(true);
    });
  });

  test("a statement that no transaction may contain is sent alone", async () => {
    await query("create index concurrently things_by_name on things (name)");
    expect(
      await query("select indisvalid from pg_index where indexrelid = 'things_by_name'::regclass"),
    ).toEqual([{ indisvalid: true }]);
    const inside = database.transaction([
      { text: "create index concurrently things_by_size on things (size)" },
    ]);
    expect(await failure(inside)).toMatchObject({ sqlState: "25001" });
  });

  describe("a transaction", () => {
    test("answers with the rows of each statement", async () => {
      const answers = await database.transaction([
        insert(1),
        { text: "select name from things" },
        { text: "select $1::int as n", params: [5] },
      ]);
      expect(answers).toEqual([[], [{ name: "thing 1" }], [{ n: 5 }]]);
      expect(await names()).toEqual(["thing 1"]);
    });

    test("is undone as a whole when one of its statements is refused, and the next one works", async () => {
      const refused = await failure(database.transaction([insert(1), insert(2), insert(1)]));
      expect(refused).toMatchObject({ sqlState: "23505", constraint: "things_key", transient: false });
      expect(await names()).toEqual([]);
      await database.transaction([insert(3)]);
      expect(await names()).toEqual(["thing 3"]);
    });

    test("that is refused by its COMMIT is an error", async () => {
      const orphan = { text: "insert into things (id, name, owner) values (1, 'orphan', 99)" };
      const refused = await failure(database.transaction([orphan]));
      expect(refused).toMatchObject({ sqlState: "23503", constraint: "things_owner" });
      expect(await names()).toEqual([]);
    });
  });

  describe("errors", () => {
    const raise = (state: string) =>
      `do $$ begin raise exception 'no luck' using errcode = '${state}'; end $$`;

    test.each([
      [
        "a unique violation",
        "insert into things (id, name) values (1, 'a'), (1, 'b')",
        "23505",
        "things_key",
      ],
      ["a check", "insert into things (id, name, size) values (1, 'a', -1)", "23514", "things_size"],
      ["null where it may not be", "insert into things (id) values (1)", "23502", undefined],
      ["a syntax error", "selec 1", "42601", undefined],
      ["two statements in one text", "select 1; select 2", "42601", undefined],
      ["a table that is not there", "select 1 from nothing", "42P01", undefined],
      ["a value that does not fit", "select 'x'::int", "22P02", undefined],
      ["a division by zero", "select 1 / 0", "22012", undefined],
      ["what a trigger raises", raise("P0001"), "P0001", undefined],
    ])("%s has its SQLSTATE, and is not transient", async (_, text, sqlState, constraint) => {
      expect(await failure(query(text))).toMatchObject({ sqlState, constraint, transient: false });
      expect(await query("select 1 as n")).toEqual([{ n: 1 }]);
    });

    test.each(["40001", "40P01", "53300", "55P03", "57014"])("%s is transient", async (sqlState) => {
      const failed = await failure(query(raise(sqlState)));
      expect(failed).toMatchObject({ sqlState, transient: true, message: "Postgres: no luck" });
    });

    test("a zero byte in text is refused, and breaks nothing", async () => {
      expect(await failure(query("select $1::text as text", ["a\0b"]))).toMatchObject({ sqlState: "22021" });
      expect(await query("select 1 as n")).toEqual([{ n: 1 }]);
    });
  });

  describe.skipIf(name === "pglite")("the way to the server", () => {
    /** Nothing was answered, so nothing is known; and nobody learns the password from it. */
    const expectUnanswered = (error: PostgresError) => {
      expect(error).toMatchObject({ name: "TickworkError", code: "postgres_unavailable", transient: true });
      expect(error.sqlState).toBeUndefined();
      expect(inspect(error, { depth: 10 })).not.toContain(PASSWORD);
    };
    const proxy = () => {
      if (!opened.proxy) throw new Error("there is no proxy");
      return opened.proxy;
    };

    test("breaks under a statement: an error for its caller, and the next one works", async () => {
      proxy().cut = { at: "answer", what: /under way/, times: 1 };
      expectUnanswered(await failure(query("select 'under way'")));
      expect(await query("select 1 as n")).toEqual([{ n: 1 }]);
    });

    test("breaks under a statement that may be repeated: it is", async () => {
      proxy().cut = { at: "request", what: /may be repeated/, times: 2 };
      const rows = await database.query({ text: "select 'may be repeated' as text" }, { repeatable: true });
      expect(rows).toEqual([{ text: "may be repeated" }]);
      expect(proxy().cut?.times).toBe(0);
    });

    test("breaks in a transaction: nothing of it was done", async () => {
      proxy().cut = { at: "request", what: /the last one/, times: 1 };
      const transaction = database.transaction([insert(1), { text: "select 'the last one'" }]);
      expectUnanswered(await failure(transaction));
      expect(await names()).toEqual([]);
    });

    test("breaks before the answer to COMMIT: an error, and it was done", async () => {
      // To Neon a transaction is one request, and its answer is that of its COMMIT.
      const what = name === "pg" ? /COMMIT/ : /all of it/;
      proxy().cut = { at: "answer", what, times: 1 };
      expectUnanswered(await failure(database.transaction([insert(1), { text: "select 'all of it'" }])));
      expect(await eventually(async () => (await names()).length > 0)).toBe(true);
    });

    test("is gone: an error, not silence; and it is used again when it is back", async () => {
      proxy().mode = "gone";
      expectUnanswered(await failure(query("select 1")));
      expectUnanswered(await failure(database.transaction([insert(1)])));
      proxy().mode = "open";
      expect(await query("select 1 as n")).toEqual([{ n: 1 }]);
    });

    test("is silent: an error when the time is up, also for more than there are connections", async () => {
      await Promise.all(Array.from({ length: 5 }, () => query("select 1")));
      proxy().mode = "silent";
      const requests = Array.from({ length: 15 }, () =>
        failure(database.transaction([{ text: "select 1" }], { timeoutMs: 300 })),
      );
      for (const error of await Promise.all(requests)) {
        expectUnanswered(error);
        expect(error.message).toBe("Postgres: no answer in 300 ms");
      }
      proxy().mode = "gone";
      proxy().mode = "open";
      const again = { text: "select 1 as n" };
      expect(await database.query(again, { repeatable: true })).toEqual([{ n: 1 }]);
    });

    test.skipIf(!/pg|PostgreSQL/.test(name))(
      "statements that take too long cost nobody else anything",
      async () => {
        const slow = Array.from({ length: 10 }, () =>
          failure(database.transaction([{ text: "select pg_sleep(3), 'slow'" }], { timeoutMs: 300 })),
        );
        for (const error of await Promise.all(slow)) expectUnanswered(error);
        // No connection is left in which an answer is still to come.
        const began = performance.now();
        const answers = await Promise.all(
          Array.from({ length: 10 }, (_, n) => query<{ n: number }>("select $1::int as n", [n])),
        );
        expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 10 }, (_, n) => n));
        if (name === "pg") expect(performance.now() - began).toBeLessThan(2_000);
      },
    );

    test.skipIf(!/pg|PostgreSQL/.test(name))(
      "a session that Postgres ends, in a transaction too, costs its caller an error and nobody else anything",
      async () => {
        const end = { text: "select pg_terminate_backend(pg_backend_pid())" };
        for (const request of [
          () => query(end.text),
          () => database.transaction([insert(1), end, insert(2)]),
        ]) {
          expect(await failure(request())).toMatchObject({ sqlState: "57P01", transient: true });
          expect(await names()).toEqual([]);
        }
      },
    );
  });
});

describe("the time limit", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("holds for a driver that does not listen to its signal", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const signals: AbortSignal[] = [];
    const never = (_: unknown, signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<never>(() => {});
    };
    const mute: PostgresDriver = { query: never, transaction: never, close: async () => {} };
    const database = createDatabase(mute, systemClock);
    const statement = { text: "select 1" };
    const asked = [
      failure(database.query(statement)),
      failure(database.transaction([statement], { timeoutMs: 3_000 })),
    ];
    await vi.advanceTimersByTimeAsync(POSTGRES_TIMEOUT_MS);
    expect(await Promise.all(asked)).toMatchObject([
      { message: `Postgres: no answer in ${POSTGRES_TIMEOUT_MS} ms`, sqlState: undefined, transient: true },
      { message: "Postgres: no answer in 3000 ms", sqlState: undefined, transient: true },
    ]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});
