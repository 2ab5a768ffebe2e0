/**
 * The HTTP API and its address.
 *
 * It is an HTTP API of API Gateway, not a function URL, because the API and the tick share the concurrency of the
 * account, which is 10 in a new one. API Gateway refuses requests that come too fast before they cost an execution; a
 * function URL has no such limit, and reserved concurrency, which would be one, is not available in a new account. API
 * Gateway also logs every request and is the only caller that the function admits, where a public URL needs a policy
 * that admits everyone. It costs a dollar per million requests, and allows 30 seconds instead of 15 minutes.
 */

import { lambda } from "./lambda.ts";
import type { ServiceParts } from "./parts.ts";
import type { ApiKeyLink } from "./secrets.ts";
import { logRetention } from "./stage.ts";

/** Requests a second, sustained and at once. Beyond that, callers get a 429 and try again. */
const THROTTLE = { throttlingRateLimit: 50, throttlingBurstLimit: 100 };

export function api(parts: ServiceParts, apiKey: ApiKeyLink) {
  const { handlers, settings, vpc, stores, certificates, doorbell, migrated } = parts;
  const fn = lambda(
    "TickworkApi",
    { name: "api", debugging: settings.config.debugging, certificates, after: [migrated] },
    {
      description: "The HTTP API of the tasks",
      handler: handlers.path("api"),
      nodejs: handlers.nodejs,
      // Just before API Gateway gives up, so that the function gets to answer.
      timeout: "29 seconds",
      memory: "512 MB",
      vpc,
      link: [...stores, apiKey],
      permissions: doorbell.permissions,
      environment: { ...settings.environment, ...doorbell.environment },
    },
  );
  const http = new sst.aws.ApiGatewayV2("TickworkHttp", {
    // The API itself answers browsers: it knows the origins that are listed.
    cors: false,
    accessLog: { retention: logRetention },
    transform: { stage: { defaultRouteSettings: THROTTLE } },
  });
  http.route("$default", fn.arn);
  return { fn, http };
}
