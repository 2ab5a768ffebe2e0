import * as v from "valibot";
import { afterEach, beforeEach } from "vitest";
import type { Connection } from "#connect";
import { defineTask } from "#core";
import { embeddedConnectBed } from "../support/connect/describe-connections.ts";
import { describeExamples, GREET } from "../support/examples.ts";

const bed = embeddedConnectBed();
const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string() }),
  run: async ({ name }) => ({ hello: name }),
});
/** Often enough for a test, whatever doorbell an example has. */
const REFRESH_MS = 100;

let tickwork: Connection;
let timer: NodeJS.Timeout;
beforeEach(async () => {
  const { worker, doorbell } = await bed.startServer([greet]);
  tickwork = bed.connect({ doorbell });
  timer = setInterval(() => void worker.refresh().catch(() => {}), REFRESH_MS);
});
afterEach(() => clearInterval(timer));

describeExamples("connect", {
  given: {
    tickwork: "import('#connect').Connection",
    databaseUrl: "string",
    redisUrl: "string",
    redisToken: "string | undefined",
    greet: GREET,
  },
  values: () => {
    const { databaseUrl, redisUrl, redisToken } = bed;
    return { databaseUrl, redisUrl, redisToken, greet, tickwork };
  },
});
