/** What API Gateway hands to a function for an HTTP request (HTTP API, payload format 2.0), and what comes back. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";

export interface ApiCall {
  method: string;
  path: string;
  /** Undefined: none. */
  body?: unknown;
  headers?: Record<string, string>;
}

export function gatewayEvent({ method, path, body, headers = {} }: ApiCall): APIGatewayProxyEventV2 {
  const url = new URL(path, "https://api.execute-api.us-east-1.amazonaws.com");
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: {
      accept: "*/*",
      host: url.host,
      "user-agent": "curl/8.7.1",
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(url.search && { queryStringParameters: Object.fromEntries(url.searchParams) }),
    requestContext: {
      accountId: "123456789012",
      apiId: "api",
      domainName: url.host,
      domainPrefix: "api",
      http: {
        method,
        path: url.pathname,
        protocol: "HTTP/1.1",
        sourceIp: "203.0.113.7",
        userAgent: "curl/8.7.1",
      },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey: "$default",
      stage: "$default",
      time: "24/Nov/2026:09:00:00 +0000",
      timeEpoch: 1_795_510_800_000,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  };
}

/** The status and the JSON of what a function has answered. */
export function httpAnswer<Body>(payload: unknown): { status: number; body: Body } {
  const { statusCode = 200, body = "", isBase64Encoded } = payload as APIGatewayProxyStructuredResultV2;
  const text = isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body;
  return { status: statusCode, body: (text ? JSON.parse(text) : undefined) as Body };
}
