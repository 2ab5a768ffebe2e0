import { TickworkError } from "tickwork";
import { tickwork } from "../../../lib/tickwork.ts";
import type { welcome } from "../../../tasks.ts";

/** The drivers of Postgres and Redis need Node. */
export const runtime = "nodejs";

export async function POST(request: Request): Promise<Response> {
  const { email } = (await request.json()) as { email: string };
  try {
    const options = { idempotencyKey: `welcome-${email}` };
    // As a type only: the code of the task stays out of this route.
    const task = await tickwork.enqueue<typeof welcome>("welcome", { email }, options);
    return Response.json({ id: task.id }, { status: 202 });
  } catch (error) {
    if (!(error instanceof TickworkError)) throw error;
    const status = error.kind === "invalid" ? 422 : 503;
    return Response.json({ error: error.code, message: error.message }, { status });
  }
}
