import { serve } from "@hono/node-server";
import { connect } from "tickwork";
import { createApp } from "./app.ts";

const { DATABASE_URL = "", CACHE_REDIS_URL, PORT = "4000" } = process.env;

const tickwork = connect({ databaseUrl: DATABASE_URL, redisUrl: CACHE_REDIS_URL });
const server = serve({ fetch: createApp(tickwork).fetch, port: Number(PORT) }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}`),
);
process.once("SIGTERM", () => {
  server.close();
  void tickwork.close();
});
