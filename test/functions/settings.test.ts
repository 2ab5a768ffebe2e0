/** The functions under settings that a deployer may have. */
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logOf } from "../support/lambda/log-lines.ts";
import { storesAreOn } from "../support/lambda/stores.ts";
import { useStages } from "../support/lambda/use-stages.ts";

describe(`on ${storesAreOn}`, () => {
  const open = useStages();

  describe.concurrent("settings", { timeout: 60_000 }, () => {
    test("CACHE_ENABLED=false: Postgres alone does it", async () => {
      const stage = await open({ env: { CACHE_ENABLED: "false" } });
      const [made] = await stage.post([{ type: "http_request", task_data: { url: stage.web.url } }]);
      await eventually(async () => (await stage.task(made?.id ?? 0)).task_status === "Completed");
      expect(stage.upstash.requests).toBe(0);
    });

    test("DEBUGGING=true: what a tick and a request did, each with its request's id", async () => {
      const stage = await open({ env: { DEBUGGING: "true" } });
      const tick = await stage.tick.invoke({});
      const refresh = await stage.refresh.invoke({});
      await stage.call("GET", "/tasks");
      const call = stage.api.attempts.at(-1);
      const debug = { level: "debug", service: "tickwork-test" };
      const line = (fields: object) => expect.objectContaining({ ...debug, ...fields });
      await eventually(() => logOf(stage.api).length > 0);
      expect(logOf(stage.tick)).toContainEqual(line({ message: "tick ended", requestId: tick.requestId }));
      expect(logOf(stage.refresh)).toContainEqual(
        line({ message: "refreshed", requestId: refresh.requestId }),
      );
      expect(logOf(stage.api)).toContainEqual(
        line({ message: "request", requestId: call?.requestId, status: 200 }),
      );
    });

    test("a value that is not acceptable is an error that names it, of every invocation", async () => {
      const stage = await open({ env: { TASK_CONCURRENCY: "many" } });
      for (const name of ["tick", "refresh", "api"] as const)
        for (let n = 0; n < 2; n++)
          expect(await stage[name].invoke({})).toMatchObject({
            ok: false,
            error: {
              errorType: "ConfigError",
              errorMessage: 'TASK_CONCURRENCY must be a whole number from 1 to 1000, got "many".',
            },
          });
    });
  });
});
