/** Tickwork as part of another app: examples/own-app, resolved as `npm install` would. */
import { describe, expect, test } from "vitest";
import { envTypesOf } from "../support/infra/env-types.ts";
import { program } from "../support/infra/program.ts";

const app = program("own app");
const SERVING = ["TickworkTick", "TickworkRefresh", "TickworkApi"];

test("one call creates the whole service, under the app's own name", () => {
  expect(app.app.name).toBe("own-app");
  expect(app.one("TickworkTickFunction").inputs.name).toBe("own-app-dev-tick");
  expect(app.one("TickworkSchedules").inputs.name).toBe("own-app-dev-tasks");
  // Except source maps: how many there are depends on the tasks.
  const namesOf = ({ resources }: typeof app) =>
    new Set(
      resources
        .map(({ type, name }) => `${type} ${name}`)
        .filter((it) => /^aws:\S+ Tickwork(?!\w+Sourcemap\d)/.test(it)),
    );
  expect(namesOf(app)).toEqual(namesOf(program("dev")));
});

describe("the bundles", () => {
  test.each(SERVING)("%s has the app's own task and none of those that ship", (name) => {
    const { sources = [], exports } = app.builds[name] ?? {};
    expect(sources).toContain("examples/own-app/src/tasks.ts");
    expect(sources.filter((source) => source.startsWith("packages/tasks/"))).toEqual([]);
    expect(exports).toEqual(["handler"]);
  });

  test("this repository's own tasks get into its bundles in the same way", () => {
    for (const name of SERVING) {
      const sources = program("dev").builds[name]?.sources ?? [];
      expect(sources).toContain("packages/tasks/http-request.ts");
      expect(sources.filter((source) => source.startsWith("examples/"))).toEqual([]);
    }
  });
});

test("needs no provider that the app does not list", () => {
  expect(app.resources.filter(({ type }) => /^(neon|upstash):/.test(type))).toEqual([]);
});

test("the app's own functions are untouched, and get what they link", () => {
  expect(app.one("SignUpFunction").inputs).toMatchObject({ architectures: ["x86_64"], memorySize: 1024 });
  expect(new Set(app.builds.SignUp?.links)).toEqual(new Set(["TickworkApiKey", "TickworkHttp"]));
  expect(app.environment("SignUpFunction")).toEqual({});
});

test("the committed sst-env.d.ts is what a deployment writes", async () => {
  await expect(envTypesOf(app.links)).toMatchFileSnapshot("../../examples/own-app/sst-env.d.ts");
});
