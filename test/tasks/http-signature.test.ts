import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { PermanentError } from "#core";
import type { HttpRequestResult } from "#tasks";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { createSigner, messageIdOf } from "../../packages/tasks/standard-webhooks.ts";
import { aTask } from "../support/run/rows.ts";
import { failureOf, issuesOf, runTask, type Surroundings } from "../support/web/run-task.ts";
import { type Received, serve } from "../support/web/server.ts";

const OLD = `whsec_${Buffer.alloc(24, "old").toString("base64")}`;
const NEW = `whsec_${Buffer.alloc(64, "new").toString("base64")}`;

const send = (data: object, surroundings: Surroundings = { webhookSecrets: [NEW] }) =>
  runTask<HttpRequestResult>(httpRequest, { method: "POST", sign: true, ...data }, surroundings);

const verify = (secret: string, { body, headers }: Received) =>
  new Webhook(secret).verify(body, headers as Record<string, string>, { jsonParse: false });

test.each([
  ["JSON", { a: ["ü", 1] }],
  ["text", "Grüße"],
  ["nothing", undefined],
])("the library of Standard Webhooks accepts the signature of %s", async (_, body) => {
  const server = await serve((_request, response) => response.end());
  await send({ url: server.url, body });
  const [received] = server.received;
  if (!received) throw new Error("nothing arrived");
  verify(NEW, received);
  expect(() => verify(OLD, received)).toThrow("No matching signature");
  expect(() => verify(NEW, { ...received, body: `${received.body} ` })).toThrow("No matching signature");
  const headers = { ...received.headers, "webhook-id": "msg_other" };
  expect(() => verify(NEW, { ...received, headers })).toThrow("No matching signature");
});

test("while secrets change, a receiver may know either", async () => {
  const server = await serve((_, response) => response.end());
  await send({ url: server.url, body: "{}" }, { webhookSecrets: [OLD, NEW] });
  const [received] = server.received;
  if (!received) throw new Error("nothing arrived");
  verify(OLD, received);
  verify(NEW, received);
  expect(received.headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
});

test("each attempt of a task has its id, and another task has another, also in another deployment", async () => {
  const server = await serve((_, response) => response.end());
  const task = aTask({ type: "http_request" });
  for (const attempts of [1, 2])
    await send({ url: server.url }, { webhookSecrets: [NEW], task: { ...task, attempts } });
  const [first, second] = server.received.map(({ headers }) => headers["webhook-id"]);
  expect(first).toMatch(/^msg_[\w-]{27}$/);
  expect(second).toBe(first);
  expect(messageIdOf({ ...task, id: task.id + 1 })).not.toBe(first);
  expect(messageIdOf({ ...task, createdAt: "2026-01-01T00:00:00.001Z" })).not.toBe(first);
});

test("the time is that of the attempt, so a late replay is refused", () => {
  const sign = createSigner([NEW], aTask({}), Date.now() - 6 * 60_000);
  const replayed = { ...sign(Buffer.from("{}")) };
  expect(() => new Webhook(NEW).verify("{}", replayed)).toThrow("too old");
});

test("nothing is signed that does not ask for it", async () => {
  const server = await serve((_, response) => response.end());
  await send({ url: server.url, sign: false });
  await send({ url: server.url, sign: undefined });
  expect(server.received).toHaveLength(2);
  for (const { headers } of server.received)
    expect(Object.keys(headers).filter((name) => name.startsWith("webhook-"))).toEqual([]);
});

test("without a secret nothing is sent, and no attempt is worth another", async () => {
  const server = await serve((_, response) => response.end());
  const error = await failureOf(send({ url: server.url }, { webhookSecrets: [] }));
  expect(error).toMatchObject({ code: "http_no_secret" });
  expect(error).toBeInstanceOf(PermanentError);
  expect(server.connections).toBe(0);
});

test("a signature stays with its body and its receiver", async () => {
  const other = await serve((_, response) => response.end());
  const server = await serve(({ url }, response) => {
    const location = { "/308": "/there", "/303": "/there", "/other": `${other.url}/` }[url ?? ""];
    if (location) response.writeHead(url === "/303" ? 303 : 308, { location }).end();
    else response.end();
  });
  for (const path of ["/308", "/303", "/other"]) await send({ url: server.url + path, body: { a: 1 } });
  const arrived = server.received.filter(({ path }) => path === "/there");
  expect(arrived.map(({ headers }) => "webhook-signature" in headers)).toEqual([true, false]);
  if (arrived[0]) verify(NEW, arrived[0]);
  expect(other.received).toHaveLength(1);
  expect(other.received[0]?.headers).not.toHaveProperty("webhook-signature");
});

test("headers of a signature cannot be given beside it, and a secret cannot be given at all", async () => {
  const data = { url: "http://example.com/", sign: true };
  expect(await issuesOf(httpRequest, { ...data, headers: { "Webhook-ID": "1" } })).toEqual([
    'headers must not have "Webhook-ID", which sign adds',
  ]);
  expect(await issuesOf(httpRequest, { ...data, sign: false, headers: { "webhook-id": "1" } })).toEqual([]);
  expect(await issuesOf(httpRequest, { ...data, secret: NEW })).toHaveLength(1);
  expect(await issuesOf(httpRequest, { ...data, sign: NEW })).toHaveLength(1);
});
