import { Hono } from "hono";

/**
 * The dashboard and the reference of the API: two pages and what they load. They are the same for everybody and hold
 * nothing secret, so they need no key; what the page shows, it asks of this API. They are loaded on first use.
 */
export function dashboardRoutes() {
  const app = new Hono();
  for (const path of ["/", "/docs", "/assets/:file"])
    app.get(path, async (c, next) => {
      const { answerFile } = await import("#dashboard");
      return answerFile(c.req.path, c.req.raw.headers) ?? next();
    });
  return app;
}
