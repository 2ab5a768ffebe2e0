/** How an attack is written down. */
import type { Attacker } from "../assault.ts";
import type { HttpRequest } from "../requests.ts";

export type Attack = (attacker: Attacker) => Promise<void>;

interface Sent extends Partial<Omit<HttpRequest, "name">> {
  method: string;
  target: string;
  /** Beside the key, unless there is another `authorization`. */
  headers?: [name: string, value: string][];
}

export const requestOf = (name: string, { headers = [], ...sent }: Sent, key: string): HttpRequest => ({
  name,
  ...sent,
  headers: headers.some(([header]) => header.toLowerCase() === "authorization")
    ? headers
    : [["authorization", `Bearer ${key}`], ...headers],
});

/** One request that must be answered with one of these statuses. */
export const expects =
  (name: string, sent: Sent, ...statuses: number[]): Attack =>
  async ({ key, send, note }) => {
    const answer = await send(requestOf(name, sent, key));
    if (answer && !statuses.includes(answer.status))
      note(
        `${name}: answered ${answer.status}, not ${statuses.join(" or ")}: ${answer.text.slice(0, 200)}`,
        name,
      );
  };

/** As JSON: API Gateway would send anything else in base64, and that is a third longer. */
const JSON_HEADERS: Sent["headers"] = [["content-type", "application/json"]];

export const post = (name: string, body: string | Buffer, ...statuses: number[]) =>
  expects(name, { method: "POST", target: "/tasks", headers: JSON_HEADERS, body }, ...statuses);
export const get = (name: string, target: string, ...statuses: number[]) =>
  expects(name, { method: "GET", target }, ...statuses);
export const hook = (id: string, ...statuses: number[]) =>
  expects(
    `a hook for the id ${id.slice(0, 20)}`,
    { method: "POST", target: "/hooks/baasix_Tasks/items.update.after", body: `{"data":{"id":${id}}}` },
    ...statuses,
  );

/** A body for `POST /tasks` that is accepted as it is. */
export const cleanup = (more: object) =>
  JSON.stringify({ type: "cleanup", task_data: { older_than_days: 1 }, ...more });
/** The same, with any JSON in its data. */
export const request = (body: string) =>
  `{"type":"http_request","task_data":{"url":"http://127.0.0.1:9/","method":"POST","body":${body}}}`;
export const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
export const SQL = `'; drop table "baasix_Tasks"; --`;
export const KB = 1_024;
