/** The client is small, needs nothing but `fetch`, and does the same wherever there is that. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createApp } from "#api";
import { closeHttp, createHttpServer, listen } from "../../packages/local/http.ts";
import { useBed } from "../support/bed/describe-on-stacks.ts";
import { askWorker, browse, bundle, chromium, runtimes } from "../support/client/runtimes.ts";
import * as tasks from "../support/client/tasks.ts";
import { ROOT } from "../support/imports.ts";

const SIZE_LIMIT_BYTES = 10 * 1024;

test("it has at most 10 KB minified, and all of it is its own", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(ROOT, "packages/client/index.ts")],
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    metafile: true,
  });
  const files = Object.keys(metafile.inputs);
  expect(files.filter((file) => !file.startsWith("packages/client/"))).toEqual([]);
  expect(outputFiles[0]?.contents.length).toBeLessThanOrEqual(SIZE_LIMIT_BYTES);
});

describe("it does the same in", { timeout: 60_000 }, () => {
  const KEY = "the-key-of-the-test";
  const bed = useBed("embedded");
  let folder: string;
  let api: Server;
  let site: Server;
  let url: string;
  let page: string;
  /** What the page reports. */
  let report: (text: string) => void;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tickwork-client-"));
    page = readFileSync(await bundle(folder, "page.js", PAGE), "utf8");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    api = createHttpServer(createApp(bed.make({ env: { API_KEY: KEY }, definitions: [tasks.greet] })));
    let isFirst = true;
    // The page has to come from where the API is.
    site = createServer((request, response) => {
      const { method, url: path = "" } = request;
      if (path === "/page")
        response.setHeader("content-type", "text/html").end(`<script type="module">${page}</script>`);
      else if (path === "/report") void text(request).then((sent) => report(sent));
      else if (path.startsWith("/moved/")) response.writeHead(307, { location: "/tasks" }).end();
      else if (path.startsWith("/silent/")) request.resume();
      else if (method === "POST" && isFirst) {
        isFirst = false;
        response.destroy();
      } else api.emit("request", request, response);
    });
    await listen(site, { host: "127.0.0.1", port: 0 });
    url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await closeHttp(site);
    api.close();
  });

  const SAME = {
    ended: ["Completed", { hello: "Ada", at: "1970-01-01T00:00:00.000Z" }],
    ids: [1],
    missing: "task_not_found",
    moved: true,
    late: true,
    aborted: "enough",
    gone: true,
  };

  test.each(Object.entries(runtimes))("%s", async (name, run) => {
    const code = `import { program } from "./program.ts";
      console.log(JSON.stringify(await program(${JSON.stringify(url)}, ${JSON.stringify(KEY)})));`;
    expect(JSON.parse(await run(await bundle(folder, `${name}.mjs`, code)))).toEqual(SAME);
  });

  // The first one knows no `cache` of a request.
  test.each(["2024-01-01", "2026-11-01"])("a Worker of %s", async (date) => {
    const code = `import { program } from "./program.ts";
      export default {
        async fetch(request) {
          const { searchParams } = new URL(request.url);
          return Response.json(await program(searchParams.get("url"), searchParams.get("key")));
        },
      };`;
    const file = await bundle(folder, "worker.js", code);
    const answer = await askWorker(file, date, String(new URLSearchParams({ url, key: KEY })));
    expect(JSON.parse(answer)).toEqual(SAME);
  });

  test.skipIf(!chromium)("Chromium (skipped where it is not installed)", async () => {
    const reported = new Promise<string>((resolve) => {
      report = resolve;
    });
    browse(folder, `${url}/page`);
    expect(JSON.parse(await reported)).toEqual(SAME);
  });

  const PAGE = `import { program } from "./program.ts";
    const report = (body) => fetch("/report", { method: "POST", body });
    program(location.origin, "${KEY}").then((done) => report(JSON.stringify(done)), (error) => report(String(error.stack)));`;
});
