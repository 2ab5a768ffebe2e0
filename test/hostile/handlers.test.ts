/** What the handlers that ship are told to reach, and must not: this machine and its network, and files elsewhere. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanup } from "../../packages/tasks/cleanup.ts";
import { dataExportOf } from "../../packages/tasks/data-export.ts";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { INWARD, OUTWARD } from "../support/hostile/inputs.ts";
import { failureOf, runTask } from "../support/web/run-task.ts";

describe("http_request", () => {
  let server: Server;
  let port: number;
  let asked = 0;
  let location = "/";
  beforeAll(async () => {
    server = createServer((_, response) => {
      asked++;
      response.writeHead(302, { location }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());

  test.each(INWARD)("does not go to %j", async (host) => {
    for (const url of [`http://${host}`, `https://${host}`]) {
      const error = await failureOf(runTask(httpRequest, { url }, { httpRequestAllow: [] }));
      // Some are no addresses at all, to a careful reader.
      expect(
        error.code === "http_address_refused" || /data is not valid/.test(error.message),
        error.message,
      ).toBe(true);
    }
  });

  test.each(INWARD.filter((host) => !/[\t\n\\]/.test(host)))(
    "is not sent to %j by an answer",
    async (host) => {
      asked = 0;
      location = encodeURI(`http://${host}`).replaceAll("%25", "%");
      const data = { url: `http://127.0.0.1:${port}/`, follow_redirects: 3 };
      const error = await failureOf(runTask(httpRequest, data, { httpRequestAllow: [`127.0.0.1:${port}`] }));
      expect(asked).toBeLessThanOrEqual(1);
      expect(error.code).toMatch(/^http_/);
    },
  );
});

const anExport = dataExportOf([{ name: "one", sql: "select 1 as n", columns: { n: "integer" }, key: "n" }]);

describe("cleanup, and data_export,", () => {
  let folder: string;
  let outside: string;
  let left: string[];
  const named = (name: string) =>
    name
      .replace("OUTSIDE_NAME", () => basename(outside))
      .replace("OUTSIDE", () => outside)
      .replace("FOLDER2", () => `${folder}2`)
      .replace("FOLDER", () => folder);
  const kept = () => [
    join(outside, "canary"),
    join(folder, "..", "canary"),
    join(folder, "api-key"),
    join(folder, "postgres", "PG_VERSION"),
    join(folder, "tickwork.lock"),
    join(`${folder}2`, "canary"),
  ];
  beforeAll(() => {
    const root = mkdtempSync(join(tmpdir(), "tickwork-hostile-"));
    [folder, outside] = [join(root, "data"), join(root, "outside")];
    for (const path of [
      folder,
      outside,
      `${folder}2`,
      join(folder, "postgres"),
      join(folder, "a"),
      join(folder, "exports"),
    ])
      mkdirSync(path, { recursive: true });
    for (const path of kept()) writeFileSync(path, "kept");
    symlinkSync(outside, join(folder, "link"));
    left = readdirSync(folder).sort();
  });
  afterAll(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

  test.each(OUTWARD)("does not delete %j", async (name) => {
    const data = { temp_files: [named(name)] };
    // What there is not may be missing, which is no failure.
    await runTask(cleanup, data, { dataDir: folder }).catch((error: { code?: string }) =>
      expect(error.code, String(error)).toBe("cleanup_refused"),
    );
    expect(kept().filter((path) => !existsSync(path))).toEqual([]);
    expect(existsSync(join(folder, "link"))).toBe(true);
  });

  test.each(OUTWARD)("is not where data_export writes: %j", async (name) => {
    const exports = join(folder, "exports");
    const data = { export: "one", file: named(name) };
    await runTask(anExport, data, { exportTo: exports, readRows: async () => [] }).catch((error: Error) =>
      expect(error.message).toMatch(/^the data is not valid: .*a name of letters, digits/),
    );
    for (const path of kept()) expect(readFileSync(path, "utf8"), path).toBe("kept");
    expect(readdirSync(folder).sort()).toEqual(left);
    expect(readdirSync(outside)).toEqual(["canary"]);
  });
});
