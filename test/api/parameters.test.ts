/** A parameter that an operation does not know is refused, for a misspelt one would be lost. */
import { expect, test } from "vitest";
import { type Operation, operations } from "../../packages/api/operations/operations.ts";
import { apiBed, type ErrorBody } from "../support/bed/api.ts";

const api = apiBed();

const all = Object.entries<Operation>(operations);
const addressOf = ({ path }: Operation) =>
  path.replaceAll(/:(\w+)/g, (_, name) => (name === "id" ? "1" : "a"));

test.each(all.filter(([, { anyQuery }]) => !anyQuery))(
  "%s refuses one that is not known",
  async (_, operation) => {
    await api.tickwork.tasks.create([{ type: "note" }]);
    const before = await api.bed.sql(`select * from "baasix_Tasks"`);
    const address = `${addressOf(operation)}?colour=red`;
    const { status, body } = await api.call<ErrorBody>(operation.method.toUpperCase(), address);
    expect([status, body.error.code]).toEqual([422, "invalid_request"]);
    expect(body.error.issues).toContainEqual({
      path: "colour",
      message: expect.stringMatching(/^is not known here; .* can be given$/),
    });
    expect(await api.bed.sql(`select * from "baasix_Tasks"`)).toEqual(before);
  },
);

test("that none can be given is said of each", async () => {
  const { body } = await api.get<ErrorBody>("/tasks/stats?colour=red&size=9");
  expect(body.error.message).toBe(
    "colour is not known here; no parameters can be given; size is not known here; no parameters can be given",
  );
});

test("who may not ask is told that first", async () => {
  const { status } = await api.call("GET", "/tasks/stats?colour=red", undefined, {
    authorization: "Bearer no",
  });
  expect(status).toBe(401);
});

test("what others' programs ask leaves their own parameters alone", async () => {
  expect((await api.get("/health/tasks?t=1764539000")).status).toBe(200);
  const item = { data: { id: 1 } };
  expect((await api.post("/hooks/orders/items.create.after?source=shop", item)).status).toBe(200);
  for (const path of ["/?t=1", "/docs?t=1"]) expect((await api.app.request(path)).status).toBe(200);
});
