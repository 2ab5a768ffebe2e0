import { expect, test } from "vitest";
import { createHooks, type HookEvent, TASKS } from "../../../packages/core/tasks/hooks.ts";
import { noteLog } from "../../support/run/noted-log.ts";

const CREATED: HookEvent = "items.create.after";

test("hooks of an event run in the order of their registration, and of other events not at all", async () => {
  const hooks = createHooks(noteLog().log);
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(name);
  hooks.registerHook(TASKS, CREATED, note("first"));
  hooks.registerHook(TASKS, "items.delete.after", note("another event"));
  hooks.registerHook("orders", CREATED, note("another collection"));
  hooks.registerHook(TASKS, CREATED, note("second"));
  expect(await hooks.fire(CREATED, { collection: TASKS, data: {} })).toEqual({ ran: 2, failed: 0 });
  expect(ran).toEqual(["first", "second"]);
});

test("what a hook returns is the data of the hooks after it; one that returns nothing passes it on", async () => {
  const hooks = createHooks(noteLog().log);
  const seen: unknown[] = [];
  hooks.registerHook(TASKS, CREATED, async ({ data }) => ({ ...data, stamped: true }));
  hooks.registerHook(TASKS, CREATED, ({ data }) => void seen.push(data));
  hooks.registerHook(TASKS, CREATED, ({ data, user }) => void seen.push([data, user]));
  await hooks.fire(CREATED, { collection: TASKS, data: { id: 1 }, user: "Ada" });
  expect(seen).toEqual([{ id: 1, stamped: true }, [{ id: 1, stamped: true }, "Ada"]]);
});

test("a hook that throws is logged, and the others run", async () => {
  const { log, lines } = noteLog();
  const hooks = createHooks(log);
  const ran: string[] = [];
  hooks.registerHook(TASKS, CREATED, () => {
    throw new Error("it broke");
  });
  hooks.registerHook(TASKS, CREATED, () => Promise.reject(new Error("it broke later")));
  hooks.registerHook(TASKS, CREATED, ({ data }) => void ran.push(data));
  expect(await hooks.fire(CREATED, { collection: TASKS, data: "data" })).toEqual({ ran: 3, failed: 2 });
  expect(ran).toEqual(["data"]);
  const line = { level: "error", collection: TASKS, event: CREATED };
  expect(lines).toMatchObject([
    { ...line, error: "it broke" },
    { ...line, error: "it broke later" },
  ]);
});

test("a hook can be removed", async () => {
  const hooks = createHooks(noteLog().log);
  const remove = hooks.registerHook(TASKS, CREATED, () => {});
  remove();
  expect(await hooks.fire(CREATED, { collection: TASKS, data: {} })).toEqual({ ran: 0, failed: 0 });
});

test("a hook may remove itself while it runs", async () => {
  const hooks = createHooks(noteLog().log);
  const removeFirst = hooks.registerHook(TASKS, CREATED, () => removeFirst());
  hooks.registerHook(TASKS, CREATED, () => {});
  expect(await hooks.fire(CREATED, { collection: TASKS, data: {} })).toEqual({ ran: 2, failed: 0 });
  expect(await hooks.fire(CREATED, { collection: TASKS, data: {} })).toEqual({ ran: 1, failed: 0 });
});

test("an event that does not exist is refused", () => {
  const register = () =>
    createHooks(noteLog().log).registerHook(TASKS, "items.read.after" as never, () => {});
  expect(register).toThrow(TypeError);
  expect(register).toThrow('got "items.read.after"');
});

test("what is registered while something is loaded can be removed, and is if that fails", async () => {
  const hooks = createHooks(noteLog().log);
  hooks.registerHook(TASKS, CREATED, () => {});
  const register = async () => {
    hooks.registerHook(TASKS, CREATED, () => {});
    await Promise.resolve();
    hooks.registerHook(TASKS, CREATED, () => {});
  };
  const ran = async () => (await hooks.fire(CREATED, { collection: TASKS, data: {} })).ran;

  const failing = hooks.registeredDuring(async () => {
    await register();
    throw new Error("it broke");
  });
  await expect(failing).rejects.toThrow("it broke");
  expect(await ran()).toBe(1);

  const removers = await hooks.registeredDuring(register);
  expect(await ran()).toBe(3);
  for (const remove of removers) remove();
  expect(await ran()).toBe(1);
});
