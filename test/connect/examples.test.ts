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
    pool: "import('pg').Pool",
    client: "import('pg').PoolClient",
  },
  values: () => {
    const { databaseUrl, redisUrl, redisToken } = bed;
    // The embedded Postgres is on one connection: each of its statements is a transaction of its own.
    const query = async (text: string, params: unknown[]) => ({
      rows: /^(BEGIN|COMMIT)$/.test(text) ? [] : await bed.sql(text, params),
    });
    const client = { query, connect: () => {}, release: () => {} };
    const pool = { query, connect: async () => client, totalCount: 0 };
    return { databaseUrl, redisUrl, redisToken, greet, tickwork, pool, client };
  },
});
