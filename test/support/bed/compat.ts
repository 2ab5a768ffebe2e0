import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll } from "vitest";
import { TasksModel, useTickwork } from "#compat";
import { hooks } from "#core";
import { type MadeTickwork, type MakeOptions, openTestBed, type StackKind, type TestBed } from "./bed.ts";
import { noteRings } from "./doorbells.ts";

interface CompatOptions extends MakeOptions {
  /** Rings make ticks. */
  ticking?: boolean;
}

/** A test bed whose latest Tickwork is the one that the room works on. Nothing ticks unless the test does. */
export function compatBed(kind: StackKind, options?: Parameters<typeof openTestBed>[1]) {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind, options);
  });
  afterEach(async () => {
    useTickwork(undefined);
    const keys = (await bed.redis("KEYS", `{${bed.prefix}}:cache:*`)) as string[];
    if (keys.length > 0) await bed.redis("DEL", ...keys);
    await bed.clear();
  });
  afterAll(() => bed?.close());

  return {
    get bed() {
      return bed;
    },
    /** The process's hooks are its hooks, as they are where a deployment runs. */
    use({ ticking = false, ...made }: CompatOptions = {}): MadeTickwork {
      const tickwork = bed.make({ ...(ticking ? {} : { doorbell: noteRings() }), hooks, ...made });
      useTickwork(tickwork);
      return tickwork;
    },
    /** As `use`, with a cache that was refreshed and with the columns read, so that requests can be counted. */
    async useWarm(made: CompatOptions = {}): Promise<MadeTickwork> {
      const tickwork = this.use(made);
      await tickwork.worker.refresh();
      await TasksModel.count();
      bed.counts.reset();
      return tickwork;
    },
    async row(id: number) {
      const [found] = await bed.sql<Record<string, string | null>>(
        `select * from "baasix_Tasks" where id = $1`,
        [String(id)],
      );
      return found;
    },
  };
}

/** A file of `baasix/`: text of the mission's document. */
export function missionText(name: string): string {
  return readFileSync(new URL(`../../compat/baasix/${name}`, import.meta.url), "utf8");
}

const AsyncFunction = (async () => {}).constructor as new (
  ...parametersAndBody: string[]
) => (...given: unknown[]) => Promise<unknown>;

/** Runs a snippet of the mission's document, word for word, in a function that gives it its free variables. */
export async function runSnippet(name: string, variables: Record<string, unknown>): Promise<unknown> {
  const run = new AsyncFunction(...Object.keys(variables), missionText(`snippets/${name}.txt`));
  return run(...Object.values(variables));
}
