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

/** A test bed whose latest Tickwork is the one that compat works on. Nothing ticks unless the test does. */
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
    /** Its hooks are the process's, as in a deployment. */
    use({ ticking = false, ...made }: CompatOptions = {}): MadeTickwork {
      const tickwork = bed.make({ ...(ticking ? {} : { doorbell: noteRings() }), hooks, ...made });
      useTickwork(tickwork);
      return tickwork;
    },
    /** As `use`, but with the cache refreshed and the columns read, so that requests can be counted. */
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

/** A file of `test/compat/baasix`: text from the documentation of Baasix's TasksService. */
export function baasixText(name: string): string {
  return readFileSync(new URL(`../../compat/baasix/${name}`, import.meta.url), "utf8");
}

const AsyncFunction = (async () => {}).constructor as new (
  ...parametersAndBody: string[]
) => (...given: unknown[]) => Promise<unknown>;

/** Runs a snippet of that documentation, word for word, with the variables that it expects. */
export async function runSnippet(name: string, variables: Record<string, unknown>): Promise<unknown> {
  const run = new AsyncFunction(...Object.keys(variables), baasixText(`snippets/${name}.txt`));
  return run(...Object.values(variables));
}
