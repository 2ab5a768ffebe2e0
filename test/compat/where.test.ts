import { beforeEach, describe, expect, test } from "vitest";
import { Op, TasksModel, type Where } from "#compat";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";

const LISTED = "Op.and, Op.or, Op.not, Op.is, Op.eq, Op.ne, Op.gt";
const SCALAR = "a string, a finite number, a boolean or a Date";

/** A `where`, and the ids of the rows below that match it. */
type Case = [what: string, where: Where, ids: number[]];

const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;

const NUMBERS: Case[] = [
  ["a value", { attempts: 2 }, [3]],
  ["a value as text", { id: "2" }, [2]],
  ["a bigint", { id: 2n }, [2]],
  ["eq", { id: { [Op.eq]: 1 } }, [1]],
  ["ne", { id: { [Op.ne]: 1 } }, [2, 3, 4, 5]],
  ["gt", { attempts: { [Op.gt]: 1 } }, [3, 4]],
  ["gte", { attempts: { [Op.gte]: 1 } }, [2, 3, 4]],
  ["lt", { id: { [Op.lt]: 2 } }, [1]],
  ["lte", { id: { [Op.lte]: 2 } }, [1, 2]],
  ["between", { id: { [Op.between]: [2, 4] } }, [2, 3, 4]],
  ["notBetween", { id: { [Op.notBetween]: [2, 4] } }, [1, 5]],
  ["in", { id: { [Op.in]: [1, 3, 99] } }, [1, 3]],
  ["in nothing", { id: { [Op.in]: [] } }, []],
  ["notIn", { id: { [Op.notIn]: [1, 3] } }, [2, 4, 5]],
  ["not in nothing", { id: { [Op.notIn]: [] } }, [1, 2, 3, 4, 5]],
  ["a list", { id: [5, 4] }, [4, 5]],
  ["an empty list", { id: [] }, []],
  ["not a list", { id: { [Op.not]: [5, 4] } }, [1, 2, 3]],
  ["a list with null, as in SQL", { progress: [0.25, null] }, [2]],
  ["a fraction", { progress: 0.25 }, [2]],
  ["a fraction on whole numbers", { id: { [Op.lt]: 2.5 } }, [1, 2]],
  ["several operators on a column", { id: { [Op.gt]: 1, [Op.lt]: 5, [Op.ne]: 3 } }, [2, 4]],
  ["like, on digits", { id: { [Op.like]: "2%" } }, [2]],
];

const TIMES: Case[] = [
  ["a Date", { scheduled_time: new Date(day(2)) }, [2]],
  ["ISO 8601", { scheduled_time: day(2) }, [2]],
  ["another zone", { scheduled_time: "2026-01-02T01:00:00+01:00" }, [2]],
  ["without a zone, UTC", { scheduled_time: "2026-01-02 00:00:00" }, [2]],
  ["a day, UTC", { scheduled_time: "2026-01-02" }, [2]],
  ["milliseconds", { scheduled_time: Date.parse(day(2)) }, [2]],
  ["lte", { scheduled_time: { [Op.lte]: new Date(day(2)) } }, [1, 2]],
  ["gt and lt", { scheduled_time: { [Op.gt]: day(1), [Op.lt]: new Date(day(4)) } }, [2, 3]],
  ["between", { scheduled_time: { [Op.between]: [new Date(day(2)), day(3)] } }, [2, 3]],
  ["a list", { scheduled_time: [new Date(day(1)), day(3)] }, [1, 3]],
  ["null", { scheduled_time: null }, [5]],
  ["not null", { scheduled_time: { [Op.ne]: null } }, [1, 2, 3, 4]],
];

const TEXTS: Case[] = [
  ["a value", { type: "email_batch" }, [1]],
  ["a status", { task_status: "Error" }, [4, 5]],
  ["statuses", { task_status: ["Completed", "Error"] }, [3, 4, 5]],
  ["not a status", { task_status: { [Op.not]: "Not started" } }, [3, 4, 5]],
  ["like", { type: { [Op.like]: "email%" } }, [1, 2]],
  ["like, escaped", { type: { [Op.like]: "%100\\%" } }, [2]],
  ["iLike", { type: { [Op.iLike]: "EMAIL%" } }, [1, 2, 3]],
  ["notLike", { type: { [Op.notLike]: "email%" } }, [3, 4, 5]],
  ["notILike", { type: { [Op.notILike]: "email%" } }, [4, 5]],
  ["like, on a status", { task_status: { [Op.like]: "%ed" } }, [1, 2, 3]],
  ["between", { type: { [Op.between]: ["a", "d"] } }, [4, 5]],
  ["a list with what lists are made of", { attachment_id: ['x"y', "a,b", "{}", "NULL", "c\\d"] }, [2, 3, 4]],
  ["null", { attachment_id: null }, [1, 5]],
  ["eq null", { attachment_id: { [Op.eq]: null } }, [1, 5]],
  ["is null", { attachment_id: { [Op.is]: null } }, [1, 5]],
  ["not null", { attachment_id: { [Op.not]: null } }, [2, 3, 4]],
  ["a boolean", { cancel_requested: false }, [1, 2, 3, 4, 5]],
  ["is not true", { cancel_requested: { [Op.not]: true } }, [1, 2, 3, 4, 5]],
  ["is true", { cancel_requested: { [Op.is]: true } }, []],
];

const JSONS: Case[] = [
  ["whole, whatever the order of its members", { task_data: { [Op.eq]: { b: [1, null], a: "x" } } }, [1]],
  ["as JSON", { task_data: '{"b":[1,null],"a":"x"}' }, [1]],
  ["null", { task_data: null }, [3, 4, 5]],
  ["in", { task_data: [{ a: 1 }, { n: 2 }] }, [2]],
  ["like", { task_data: { [Op.like]: "%null%" } }, [1]],
];

const NESTED: Case[] = [
  ["nothing", {}, [1, 2, 3, 4, 5]],
  ["two columns", { task_status: "Error", attempts: 3 }, [4]],
  ["a list of objects, all of them", [{ task_status: "Error" }, { attempts: 3 }], [4]],
  ["or", { [Op.or]: [{ id: 1 }, { attempts: { [Op.gte]: 3 } }] }, [1, 4]],
  ["or of an object's members", { [Op.or]: { id: 1, attempts: 3 } }, [1, 4]],
  ["or beside a column", { task_status: "Error", [Op.or]: [{ id: 1 }, { id: 5 }] }, [5]],
  ["and", { [Op.and]: [{ id: { [Op.gt]: 1 } }, { id: { [Op.lt]: 4 } }] }, [2, 3]],
  ["and of an object", { [Op.and]: { task_status: "Error", id: 5 } }, [5]],
  ["not", { [Op.not]: { task_status: "Error" } }, [1, 2, 3]],
  ["not all of", { [Op.not]: [{ task_status: "Error" }, { id: 5 }] }, [1, 2, 3, 4]],
  ["or on a column", { attempts: { [Op.or]: [0, { [Op.gt]: 2 }] } }, [1, 4, 5]],
  ["or of a column's operators", { id: { [Op.or]: { [Op.lt]: 2, [Op.gt]: 4 } } }, [1, 5]],
  ["or with null", { scheduled_time: { [Op.or]: [null, { [Op.lt]: day(2) }] } }, [1, 5]],
  ["and on a column", { id: { [Op.and]: [{ [Op.gt]: 1 }, { [Op.lt]: 3 }] } }, [2]],
  ["not of a column's operators", { id: { [Op.not]: { [Op.in]: [1, 2] } } }, [3, 4, 5]],
  [
    "deep",
    {
      [Op.or]: [
        { [Op.and]: [{ type: { [Op.like]: "email%" } }, { [Op.not]: { attempts: 0 } }] },
        { [Op.and]: [{ task_status: "Error" }, { [Op.or]: [{ attempts: 3 }, { id: { [Op.gt]: 100 } }] }] },
      ],
    },
    [2, 4],
  ],
  ["or of nothing is nothing", { [Op.or]: [] }, []],
  ["and of nothing is everything", { [Op.and]: [] }, [1, 2, 3, 4, 5]],
  ["not nothing is nothing", { [Op.not]: {} }, []],
  ["an empty object says nothing", { [Op.or]: [{}, { id: 1 }] }, [1]],
  ["Sequelize's own symbols", { id: { [Symbol.for("lte")]: 1 } }, [1]],
];

const REJECTED: [what: string, where: unknown, message: string][] = [
  ["an unknown column", { colour: "red" }, "where must name columns (id, task_status, type, "],
  ["the token of a lease", { lease_token: "x" }, '), got "lease_token"'],
  [
    "SQL as a column",
    { '"id" = 1 or 1 = 1; drop table "baasix_Tasks"; --': 1 },
    '), got "\\"id\\" = 1 or 1 = 1; drop table \\"baasix_Tasks\\"; --"',
  ],
  ["a property of every object", { constructor: 1 }, '), got "constructor"'],
  ["an operator as text", { id: { $gt: 1 } }, `where.id must have operators (${LISTED}`],
  ["an operator by its name", { id: { lte: 1 } }, '), got "lte"'],
  ["an operator that Sequelize has", { id: { [Symbol.for("regexp")]: "1" } }, "), got Op.regexp"],
  [
    "an operator without a column",
    { [Op.gt]: 1 },
    "where must have columns, Op.and, Op.or, Op.not, got Op.gt",
  ],
  ["undefined", { id: undefined }, `where.id must be ${SCALAR}, got undefined`],
  ["undefined in an operator", { id: { [Op.gt]: undefined } }, `where.id.Op.gt must be ${SCALAR}, got undef`],
  ["undefined in a list", { id: [1, undefined] }, `where.id must be ${SCALAR}, got undefined`],
  [
    "undefined as a time",
    { scheduled_time: { [Op.lt]: undefined } },
    "where.scheduled_time.Op.lt must be an ISO 8601 time with its zone",
  ],
  ["an empty object", { id: {} }, "where.id must be a value, a list or an operator, got {}"],
  ["not a number", { id: Number.NaN }, `where.id must be ${SCALAR}, got NaN`],
  ["a function", { type: () => "x" }, `where.type must be ${SCALAR}, got () =>`],
  ["null where it is meaningless", { id: { [Op.gt]: null } }, `where.id.Op.gt must be ${SCALAR}, got null`],
  [
    "a list of one for between",
    { id: { [Op.between]: [1] } },
    "where.id.Op.between must be a list of two values, got [1]",
  ],
  ["a number for in", { id: { [Op.in]: 1 } }, "where.id.Op.in must be a list, got 1"],
  ["a text for is", { id: { [Op.is]: "x" } }, 'where.id.Op.is must be null, true or false, got "x"'],
  [
    "true for a number",
    { id: { [Op.is]: true } },
    "where.id.Op.is must be null, since id is not a column of booleans, got true",
  ],
  ["a word as time", { scheduled_time: "soon" }, '+01:00, got "soon"'],
  ["an invalid Date", { scheduled_time: new Date("x") }, "+01:00, got Invalid Date"],
  [
    "an unknown status",
    { task_status: "Done" },
    'where.task_status must be one of "Not started", "Running", "Completed", "Error", got "Done"',
  ],
  ["a text", "id = 1", 'where must be an object of columns, got "id = 1"'],
  ["a text in a list", ["id = 1"], 'where must be an object of columns, got "id = 1"'],
  ["text that is not a number", { id: "1 or 1 = 1" }, "invalid input syntax"],
  ["a number that is too large", { id: "99999999999999999999" }, "out of range"],
  ["a zero byte", { type: "a\0b" }, "Postgres rejects this"],
];

eachStack("where", (kind) => {
  const compat = compatBed(kind);
  beforeEach(async () => {
    compat.use();
    await compat.bed.sql(`insert into "baasix_Tasks"
      (type, task_status, scheduled_time, attempts, progress, attachment_id, task_data) values
      ('email_batch', 'Not started', '2026-01-01T00:00:00Z', 0, null, null, '{"a": "x", "b": [1, null]}'),
      ('email_100%', 'Not started', '2026-01-02T00:00:00Z', 1, 0.25, 'x"y', '{"a": 1}'),
      ('Email_other', 'Completed', '2026-01-03T00:00:00Z', 2, 0.5, 'a,b', null),
      ('cleanup', 'Error', '2026-01-04T00:00:00Z', 3, 1, 'c\\d', null),
      ('clean''up', 'Error', null, 0, null, null, null)`);
  });
  const ids = async (where: Where) =>
    (await TasksModel.findAll({ where, order: ["id"] })).map(({ id }) => id);

  describe.each([
    ["numbers", NUMBERS],
    ["times", TIMES],
    ["texts", TEXTS],
    ["JSON", JSONS],
    ["nesting", NESTED],
  ])("%s", (_, cases) => {
    test.each(cases)("%s", async (_what, where, expected) => {
      expect(await ids(where)).toEqual(expected);
      expect(await TasksModel.count({ where })).toBe(expected.length);
    });
  });

  test.each(REJECTED)("rejects %s", async (_, where, message) => {
    await expect(ids(where as Where)).rejects.toMatchObject({
      name: "TickworkError",
      kind: "invalid",
      message: expect.stringContaining(message),
    });
  });

  test("a value is never read as SQL", async () => {
    const hostile = [
      `'; drop table "baasix_Tasks"; --`,
      `x' or '1' = '1`,
      `" or 1 = 1 --`,
      "$1",
      "\\",
      "{1,2}",
      `"},{"`,
      "%",
    ];
    for (const value of hostile) {
      expect(await ids({ type: value })).toEqual([]);
      expect(await ids({ type: [value] })).toEqual([]);
      expect(await ids({ type: { [Op.in]: [value, "cleanup"] } })).toEqual([4]);
      expect(await ids({ [Op.or]: [{ type: value }, { type: "clean'up" }] })).toEqual([5]);
      const { id } = await TasksModel.create({ type: value, task_data: { value } });
      expect(await ids({ type: [value] })).toEqual([id]);
      expect(await TasksModel.findByPk(id)).toMatchObject({ type: value, task_data: { value } });
      expect(await TasksModel.destroy({ where: { type: value } })).toBe(1);
    }
    expect(await TasksModel.count()).toBe(5);
  });
});
