import { Resource } from "sst";

const HOUR_MS = 60 * 60 * 1000;

/** Answers a sign-up, and creates a task that welcomes the new user in an hour. */
export async function handler(event: { body?: string }) {
  const response = await fetch(`${Resource.TickworkHttp.url}/tasks`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${Resource.TickworkApiKey.value}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      type: "welcome",
      task_data: { email: event.body },
      scheduled_time: new Date(Date.now() + HOUR_MS).toISOString(),
    }),
  });
  return { statusCode: response.ok ? 202 : 502 };
}
