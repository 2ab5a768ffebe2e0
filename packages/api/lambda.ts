/** The API on Lambda: API Gateway's events (HTTP API, payload format 2.0) as requests, and responses as its results. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { TickworkError } from "#core";
import { messageOf, quote } from "../core/errors.ts";
import type { Api } from "./app.ts";
import { SECURITY_HEADERS } from "./browser.ts";
import { errorBody } from "./errors.ts";
import type { RequestEnv } from "./log.ts";

/**
 * Answers an event. What cannot even be made into a request is answered as any other error.
 *
 * @example export const handler = (event, context) => answerEvent(app, event, context);
 */
export async function answerEvent(
  app: Api,
  event: APIGatewayProxyEventV2,
  { awsRequestId }: Pick<Context, "awsRequestId">,
): Promise<APIGatewayProxyStructuredResultV2> {
  let request: Request;
  try {
    request = requestOf(event);
  } catch (error) {
    const { status, body } = errorBody(new TickworkError("malformed_request", `${messageOf(error)}.`));
    return {
      statusCode: status,
      headers: { ...SECURITY_HEADERS, "content-type": "application/json" },
      body: JSON.stringify(body),
    };
  }
  const response = await app.fetch(request, {
    requestId: awsRequestId,
    host: event.headers.host ?? event.requestContext.domainName,
    address: event.requestContext.http.sourceIp,
  } satisfies RequestEnv);
  const cookies = response.headers.getSetCookie();
  response.headers.delete("set-cookie");
  const headers = Object.fromEntries(response.headers);
  const isBinary = headers["content-encoding"] !== undefined;
  return {
    statusCode: response.status,
    headers,
    ...(cookies.length > 0 && { cookies }),
    body: Buffer.from(await response.arrayBuffer()).toString(isBinary ? "base64" : "utf8"),
    ...(isBinary && { isBase64Encoded: true }),
  };
}

function requestOf(event: APIGatewayProxyEventV2): Request {
  const { method } = event.requestContext.http;
  // A URL takes it for a slash.
  if (event.rawPath.includes("\\")) throw new TypeError(`${quote(event.rawPath)} is no path`);
  // Only the path decides the route, whatever host the request was sent to.
  const url = new URL("https://localhost");
  url.pathname = event.rawPath;
  url.search = event.rawQueryString;
  const headers = new Headers();
  // As Node's server reads them from the wire, where headers are bytes.
  for (const [name, value = ""] of Object.entries(event.headers))
    headers.set(name, Buffer.from(value).toString("latin1"));
  // API Gateway takes them out of the headers.
  if (event.cookies) headers.set("cookie", Buffer.from(event.cookies.join("; ")).toString("latin1"));
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  headers.set("content-length", String(body.length));
  // HTTP lets a GET have a body, and gives it no meaning.
  return new Request(url, { method, headers, ...(method === "GET" || method === "HEAD" ? {} : { body }) });
}
