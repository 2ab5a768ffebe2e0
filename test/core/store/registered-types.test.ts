import { expect, test } from "vitest";
import { TYPES_SENT } from "../../../packages/core/limits.ts";
import { typesToSend } from "../../../packages/core/store/registered-types.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

const definitions = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ type: `type ${n}`, run: async () => {} }));
const namesOf = (count: number) => definitions(count).map(({ type }) => type);

describeOnStacks("a deployment of many types", (bed) => {
  const insert = (...types: string[]) =>
    bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time) select unnest($1::text[]), now() - interval '1 hour'`,
      [types],
    );
  const completed = async () => {
    const rows = await bed.sql<{ type: string }>(
      `select type from "baasix_Tasks" where task_status = 'Completed' order by id`,
    );
    return rows.map(({ type }) => type);
  };

  test.each([{ withoutRedis: false }, { withoutRedis: true }])(
    "runs what it has code for and nothing else (%o)",
    async (options) => {
      const { worker, operator, tasks } = bed.make({
        ...options,
        doorbell: noteRings(),
        definitions: definitions(TYPES_SENT + 1),
      });
      // One whose name is the mark of a list, which another program wrote.
      await insert("", "type 0", "somebody's", `type ${TYPES_SENT}`);
      await worker.refresh();
      expect(await worker.tick()).toMatchObject({ completed: 2, ended: "idle" });
      expect(await completed()).toEqual(["type 0", `type ${TYPES_SENT}`]);
      expect(await operator.getCacheStats()).toMatchObject({ waitingForCode: 2 });
      const waiting = await tasks.page({ waiting_for_code: true, limit: 10 });
      expect(waiting.tasks.map(({ type }) => type)).toEqual(["somebody's", ""]);
    },
  );

  test("sends no names, and where somebody has emptied the table of lists, the next refresh mends that", async () => {
    const { worker, database } = bed.make({
      doorbell: noteRings(),
      definitions: definitions(TYPES_SENT + 1),
    });
    await worker.refresh();
    await bed.sql("truncate tickwork_types");
    await insert("type 7");
    await worker.refresh();
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    const types = { ours: namesOf(TYPES_SENT + 1), foreign: [] };
    expect(await typesToSend({ database, types })).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), ""]);
  });

  // One is Tickwork's own.
  test("of few types, the names go with each claim, and nothing is registered", async () => {
    const { worker, database } = bed.make({
      doorbell: noteRings(),
      definitions: definitions(TYPES_SENT - 1),
    });
    await bed.sql("truncate tickwork_types");
    await insert("type 7");
    await worker.refresh();
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    const types = { ours: namesOf(TYPES_SENT), foreign: [] };
    expect(await typesToSend({ database, types })).toBe(types.ours);
    expect(await bed.sql("select from tickwork_types")).toEqual([]);
  });
});
