import * as v from "valibot";
import { afterAll, beforeAll } from "vitest";
import { defineTask } from "#core";
import { createTestTickwork } from "#testing";
import { describeExamples, GREET } from "../support/examples.ts";

const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string() }),
  run: async ({ name }) => ({ hello: name }),
});
const mail = defineTask({ type: "mail", run: async () => {} });
const open = () => createTestTickwork({ definitions: [greet, mail], now: "2026-11-24T09:00:00Z" });

let tickwork: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  tickwork = await open();
});
afterAll(() => tickwork.close());

const MAIL = `import("#core").TaskDefinition<import("@standard-schema/spec").StandardSchemaV1, void, "mail">`;

describeExamples("testing", {
  given: { tickwork: `import("#testing").TestTickwork<[${GREET}, ${MAIL}]>`, greet: GREET },
  values: () => ({ tickwork, greet }),
});
