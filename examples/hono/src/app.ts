import { Hono } from "hono";
import { type Connection, TickworkError } from "tickwork";
import { welcome } from "./tasks.ts";

/** @param tickwork where tasks are enqueued; nothing runs in this process */
export function createApp(tickwork: Connection) {
  const app = new Hono();

  app.post("/sign-ups", async (c) => {
    const { email } = await c.req.json<{ email: string }>();
    const task = await tickwork.enqueue(welcome, { email }, { idempotencyKey: `welcome-${email}` });
    return c.json({ id: task.id }, 202);
  });

  app.get("/sign-ups/:id", async (c) => {
    const { task_status, result_data } = await tickwork.tasks.get(Number(c.req.param("id")));
    return c.json({ status: task_status, result: result_data });
  });

  // What is wrong with the data, as the schema of the task says it.
  app.onError((error, c) => {
    if (!(error instanceof TickworkError)) throw error;
    return c.json({ error: error.code, message: error.message }, error.kind === "invalid" ? 422 : 503);
  });
  return app;
}
