import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { openTestBed, type StackKind, stacks, type TestBed } from "./bed.ts";
import { STACK_NAMES } from "./stack-names.ts";

/**
 * Describes a suite once for each stack: the embedded Postgres and Redis, and the servers of this machine. Where there
 * are no servers, the suite is reported as skipped. The bed is cleared after each test.
 *
 * @example
 * describeOnStacks("a tick", (bed) => {
 *   test("runs what is due", async () => {
 *     const { tasks } = bed.make({ definitions: [note] });
 *   });
 * });
 */
export function describeOnStacks(name: string, suite: (bed: TestBed) => void): void {
  eachStack(name, (kind) => suite(useBed(kind)));
}

/** A bed for the tests of a file or of a `describe`, cleared after each. */
export function useBed(kind: StackKind): TestBed {
  let opened: TestBed | undefined;
  beforeAll(async () => {
    opened = await openTestBed(kind);
  });
  afterEach(() => opened?.clear());
  afterAll(() => opened?.close());
  return deferred(kind, () => opened);
}

/** The same for suites that open their beds themselves. */
export function eachStack(name: string, suite: (kind: StackKind) => void): void {
  for (const kind of ["embedded", "real servers"] as const)
    describe.skipIf(!stacks.includes(kind))(`${name} ${STACK_NAMES[kind]}`, () => suite(kind));
}

/** A bed that suites can name before it is open; only its kind is known by then. */
function deferred(kind: StackKind, opened: () => TestBed | undefined): TestBed {
  return new Proxy({ kind } as TestBed, {
    get(target, property: keyof TestBed) {
      if (property === "kind") return target.kind;
      const bed = opened();
      if (!bed) throw new Error(`bed.${property} can be used only while a test or a hook runs`);
      return bed[property];
    },
  });
}
