import express from "express";
import { type Client, TickworkApiError } from "tickwork/client";

/** The tasks as types: their code stays in the process that runs them. */
type Tasks = typeof import("./tasks.ts");

/** @param tickwork the HTTP API of the process that runs the tasks */
export function createApp(tickwork: Client<Tasks>) {
  const app = express();
  app.use(express.json());

  app.post("/sign-ups", async (request, response) => {
    const { email } = request.body as { email: string };
    const options = { idempotencyKey: `welcome-${email}` };
    const task = await tickwork.create({ type: "welcome", task_data: { email } }, options);
    response.status(202).json({ id: task.id });
  });

  app.get("/sign-ups/:id", async (request, response) => {
    const { task_status, result_data } = await tickwork.get(Number(request.params.id));
    response.json({ status: task_status, result: result_data });
  });

  // What is wrong with the data, as the schema of the task says it.
  app.use(((error, _request, response, next) => {
    if (!(error instanceof TickworkApiError)) return next(error);
    response.status(error.status).json({ error: error.code, message: error.message });
  }) satisfies express.ErrorRequestHandler);
  return app;
}
