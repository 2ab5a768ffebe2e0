import { tickwork } from "../../../../lib/tickwork.ts";

export const runtime = "nodejs";

export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  const { id } = await params;
  const { task_status, result_data } = await tickwork.tasks.get(Number(id));
  return Response.json({ status: task_status, result: result_data });
}
