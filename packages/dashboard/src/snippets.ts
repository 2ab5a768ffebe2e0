/** A task as something to paste: for a shell, and for a program. Neither contains the key. */
import type { Task } from "#client";
import { apiUrl } from "./session.ts";

const bodyOf = ({ type, task_data, max_attempts, priority, queue, concurrency_key }: Task) => ({
  type,
  ...(task_data !== null && { task_data }),
  ...(max_attempts !== null && { max_attempts }),
  ...(priority && { priority }),
  ...(queue !== null && { queue }),
  ...(concurrency_key !== null && { concurrency_key }),
});

/** @example curlOf(task); // "curl -s http://127.0.0.1:3000/tasks …" */
export function curlOf(task: Task): string {
  const body = JSON.stringify(bodyOf(task)).replaceAll("'", "'\\''");
  return `curl -s ${apiUrl}/tasks \\\n  -H "Authorization: Bearer $API_KEY" -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}

export function typeScriptOf(task: Task): string {
  return [
    'import { createClient } from "tickwork/client";',
    "",
    `const client = createClient({ url: ${JSON.stringify(apiUrl)}, apiKey: process.env.API_KEY });`,
    `const task = await client.create(${JSON.stringify(bodyOf(task), null, 2)});`,
    "",
  ].join("\n");
}
