import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database, Statement } from "../../../packages/core/store/database.ts";
import { statement, variants, withClock } from "../../../packages/core/store/statement.ts";
import { openTestBed, type TestBed } from "../../support/bed/bed.ts";

describe("named parameters", () => {
  test("have numbers in the order of their declaration, and are cast to their types", () => {
    const rename = statement({ id: "bigint", name: "text" })`
      update people set name = :name
      where id = :id`;
    expect(rename({ name: "Ada", id: 7 })).toEqual({
      text: "update people set name = $2::text where id = $1::bigint",
      params: [7, "Ada"],
    });
  });

  test("that occur twice have one number, and one name may begin like another", () => {
    const find = statement({ id: "int", idOrNull: "int?" })`select :id, :idOrNull, :id`;
    expect(find({ id: 1, idOrNull: null })).toEqual({
      text: "select $1::int, $2::int, $1::int",
      params: [1, null],
    });
  });

  test("of the type of a column are not cast", () => {
    expect(statement({ type: "column" })`select from tasks where type = :type`({ type: "a" }).text).toBe(
      "select from tasks where type = $1",
    );
  });

  test("leave casts and the colons in quoted text alone", () => {
    const text = `select to_char(at, 'YYYY-MM-DD"T"HH24:MI'), "a:b", '[]'::jsonb, 'it''s :no name', x::text from t`;
    expect(statement({})`${text}`({}).text).toBe(text);
    expect(statement({ at: "text" })`select :at, 'HH24:MI'::text, ':at'`({ at: "now" }).text).toBe(
      "select $1::text, 'HH24:MI'::text, ':at'",
    );
  });

  test("may come from a fragment", () => {
    const due = "scheduled_time <= :until";
    expect(statement({ until: "text" })`select from tasks where ${due}`({ until: "now" }).text).toBe(
      "select from tasks where scheduled_time <= $1::text",
    );
  });

  test("must be the same in the text and in the declaration", () => {
    expect(() => statement({ id: "bigint" })`select :id, :ids`).toThrow(":ids must be one of id, in select");
    expect(() => statement({})`select :id`).toThrow(":id must be one of no names");
    expect(() => statement({ id: "bigint", name: "text" })`select :id`).toThrow("name must be used");
    expect(() => statement({ id: "bigint" })`select ':id'`).toThrow("id must be used");
  });

  test("are checked by the compiler where values are given", () => {
    const find = statement({ id: "bigint", name: "text?" })`select :id, :name`;
    // @ts-expect-error: `name` is missing
    find({ id: 1 });
    // @ts-expect-error: there is no `names`
    find({ id: 1, name: null, names: [] });
    // @ts-expect-error: an id is a number, and not null
    find({ id: null, name: null });
    expect(find({ id: 1, name: null }).params).toEqual([1, null]);
  });
});

describe("values arrive in Postgres as they were given", () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed("embedded", { migrated: false });
  });
  afterAll(() => bed.close());

  const echo = statement({ texts: "text[]", ids: "bigint[]", data: "json", none: "jsonb" })`
    select to_json(:texts) as texts, to_json(:ids) as ids, :data::text as data, :none is null as none`;
  const values = { texts: ["", "a,b", 'say "hi"', "back\\slash", "{}", "line\nbreak", "ä"], ids: [1, 2] };

  test.each([{ a: [1, null] }, "text", 0, false, ["x"]])("with %j as JSON", async (data) => {
    const { text, params = [] } = echo({ ...values, data, none: undefined });
    const [row] = await bed.sql<Record<string, string>>(text, [...params]);
    expect(row?.none).toBe("t");
    const read = (json = "null") => JSON.parse(json) as unknown;
    expect({ texts: read(row?.texts), ids: read(row?.ids), data: read(row?.data) }).toEqual({
      ...values,
      data,
    });
  });
});

test("each variant of a statement is made once", () => {
  const made: string[][] = [];
  const select = variants((...columns: string[]) => {
    made.push(columns);
    return statement({})`select ${columns.join(", ")}`;
  });
  expect(select("a", "b")({}).text).toBe("select a, b");
  expect(select("a")({}).text).toBe("select a");
  expect(select("a", "b")).toBe(select("a", "b"));
  expect(made).toEqual([["a", "b"], ["a"]]);
});

test("another clock takes the place of Postgres's in every statement, and nothing else changes", async () => {
  const sent: unknown[] = [];
  const database: Database = {
    query: async (request: Statement, options) => {
      sent.push(request, options);
      return [];
    },
    transaction: async (requests, options) => {
      sent.push(requests, options);
      return [];
    },
  };
  const timed = withClock(database, "timestamptz '$&'");
  const request = { text: "select now(), now() - $1::int, wants.now", params: [1] };
  await timed.query(request, { repeatable: true });
  await timed.transaction([request], { timeoutMs: 5 });
  const expected = { text: "select timestamptz '$&', timestamptz '$&' - $1::int, wants.now", params: [1] };
  expect(sent).toEqual([expected, { repeatable: true }, [expected], { timeoutMs: 5 }]);
});
