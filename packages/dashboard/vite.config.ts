/** How the dashboard is built; `npm run dashboard:dev` serves it from its sources, in front of a server at port 3000. */
import { join } from "node:path";
import type { UserConfig } from "vite";

/** What the page asks the server for. */
const API = [
  "/tasks",
  "/types",
  "/schedules",
  "/pauses",
  "/keys",
  "/audit",
  "/session",
  "/health",
  "/openapi.json",
];
const api = process.env.TICKWORK_URL ?? "http://127.0.0.1:3000";

export default {
  root: import.meta.dirname,
  // Relative, so that it works behind any path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: { alias: { "#client": join(import.meta.dirname, "../client/index.ts") } },
  build: {
    target: "es2022",
    modulePreload: false,
    rolldownOptions: { input: ["index.html", "docs.html"].map((page) => join(import.meta.dirname, page)) },
    assetsInlineLimit: 0,
    license: false,
  },
  server: { proxy: Object.fromEntries(API.map((path) => [path, api])) },
} satisfies UserConfig;
