/** The API as Lambda calls it. */
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { expect, test } from "vitest";
import { answerEvent } from "../../packages/api/lambda.ts";
import { apiBed, KEY } from "../support/bed/api.ts";
import { lambdaContext } from "../support/lambda/context.ts";
import { type ApiCall, gatewayEvent } from "../support/lambda/gateway-event.ts";

const api = apiBed();

const send = async (call: ApiCall, changes: Partial<APIGatewayProxyEventV2> = {}) => {
  const event = gatewayEvent({ ...call, headers: { authorization: `Bearer ${KEY}`, ...call.headers } });
  const result = await answerEvent(api.app, { ...event, ...changes }, lambdaContext("api"));
  expect(result.headers?.["content-type"]).toContain("application/json");
  return { status: result.statusCode, body: JSON.parse(result.body ?? "") as unknown };
};

test("a browser signs in, and its cookie is taken from where API Gateway puts cookies", async () => {
  const event = gatewayEvent({ method: "POST", path: "/session", body: { key: KEY } });
  const { statusCode, cookies = [], headers } = await answerEvent(api.app, event, lambdaContext("api"));
  expect(statusCode).toBe(201);
  expect(cookies).toEqual([
    expect.stringMatching(
      /^__Host-tickwork=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
    ),
  ]);
  expect(headers).toMatchObject({
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
  });
  expect(headers).not.toHaveProperty("set-cookie");
  const post = async (origin: string) => {
    const sent = { ...gatewayEvent(POST).headers, origin };
    const changed = {
      ...gatewayEvent(POST),
      headers: sent,
      cookies: ["other=1", cookies[0]?.split(";")[0] ?? ""],
    };
    return (await answerEvent(api.app, changed, lambdaContext("api"))).statusCode;
  };
  expect(await post("https://api.execute-api.us-east-1.amazonaws.com")).toBe(201);
  expect(await post("https://evil.example")).toBe(403);
});

test("what cannot be made into a request is answered as carefully as all else", async () => {
  const event = { ...gatewayEvent({ method: "GET", path: "/" }), rawPath: "\\" };
  const { headers } = await answerEvent(api.app, event, lambdaContext("api"));
  expect(headers).toMatchObject({ "X-Content-Type-Options": "nosniff" });
});

const POST = { method: "POST", path: "/tasks", body: { type: "note", task_data: "é" } };

test("a body is read, in base64 or not", async () => {
  const created = { status: 201, body: { task_data: "é" } };
  expect(await send(POST)).toMatchObject(created);
  const body = Buffer.from(JSON.stringify(POST.body)).toString("base64");
  expect(await send(POST, { body, isBase64Encoded: true })).toMatchObject(created);
});

test("a GET may have a body, which has no meaning", async () => {
  expect(await send({ method: "GET", path: "/tasks?limit=1", body: {} })).toMatchObject({
    status: 200,
    body: { tasks: [] },
  });
});

test("an empty Idempotency-Key is refused", async () => {
  expect(await send({ ...POST, headers: { "idempotency-key": "" } })).toMatchObject({
    status: 400,
    body: { error: { code: "malformed_request", issues: [{ path: "Idempotency-Key" }] } },
  });
});

test.each([
  ["TRACE", { method: "TRACE", path: "/tasks" }],
  ["a header that is none", { method: "GET", path: "/tasks", headers: { "a b": "1" } }],
])("%s is refused as any other error is", async (_, call) => {
  expect(await send(call)).toMatchObject({ status: 400, body: { error: { code: "malformed_request" } } });
});

test("a backslash is no slash", async () => {
  expect(await send({ method: "POST", path: "/" }, { rawPath: "\\tasks\\reset-stuck" })).toMatchObject({
    status: 400,
    body: { error: { code: "malformed_request", message: expect.stringContaining("is no path") } },
  });
});

test.each(["//", "/tasks?x", "/tasks#x"])("only the path decides the route: %s", async (rawPath) => {
  expect(await send({ method: "GET", path: "/" }, { rawPath })).toMatchObject({ status: 404 });
});
