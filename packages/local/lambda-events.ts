/** Lambda's events and contexts, made from what happens on one machine. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import type { LambdaEvent } from "hono/aws-lambda";

/** What one invocation may carry, as on Lambda. */
const PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024;

/** Nothing ends an invocation on one machine: functions are told that they have a day. */
const TIME_LEFT_MS = 24 * 60 * 60 * 1000;

/** A function's context. */
export function lambdaContext(functionName: string): Context {
  const nothing = () => {};
  return {
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: "0",
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => TIME_LEFT_MS,
    done: nothing,
    fail: nothing,
    succeed: nothing,
  };
}

/** An HTTP request as API Gateway hands it over (payload format 2.0). */
export async function gatewayEvent(request: IncomingMessage): Promise<LambdaEvent> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(",") : value;
  const body = await readBody(request);
  // A body that is too large for an invocation is left out; its announced length makes the app refuse it.
  if (body === undefined)
    headers["content-length"] = String(
      Math.max(PAYLOAD_LIMIT_BYTES + 1, Number(headers["content-length"] ?? 0)),
    );
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers,
    requestContext: {
      authentication: null,
      authorizer: {},
      accountId: "000000000000",
      apiId: "local",
      domainName: headers.host ?? "localhost",
      domainPrefix: "local",
      http: {
        method: request.method ?? "GET",
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: new Date().toISOString(),
      timeEpoch: Date.now(),
    },
    body: body && body.length > 0 ? body.toString("base64") : null,
    isBase64Encoded: true,
  };
}

/** Undefined if the body is too large for an invocation; the rest of it is read and dropped. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= PAYLOAD_LIMIT_BYTES) chunks.push(chunk);
  }
  return bytes <= PAYLOAD_LIMIT_BYTES ? Buffer.concat(chunks) : undefined;
}

/** Sends a function's result as an HTTP response. */
export function sendResult(response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void {
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, String(value));
  if (result.cookies?.length) response.setHeader("set-cookie", result.cookies);
  response.statusCode = result.statusCode ?? 200;
  response.end(
    result.body === undefined ? "" : Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8"),
  );
}
