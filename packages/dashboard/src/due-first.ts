/** The waiting tasks in the order in which they become due: those of the next four hours, which the API lists so. */
import type { Task, TaskPage } from "#client";
import { readAnswer } from "./session.ts";

export async function dueFirst(limit: number, cursor: string | undefined): Promise<TaskPage> {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor && { cursor }) });
  const { body, headers } = await readAnswer<Task[]>(`/tasks/not-started?${query}`);
  const next = /[?&]cursor=([^&>]+)/.exec(headers.get("Link") ?? "")?.[1];
  return { tasks: body, next_cursor: next ? decodeURIComponent(next) : null };
}
