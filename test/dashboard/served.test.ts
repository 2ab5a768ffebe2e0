/** The dashboard as it is served: fresh, small, and safe. */
import { brotliDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { answerEvent } from "../../packages/api/lambda.ts";
import { FILES } from "../../packages/dashboard/built.ts";
import type { BuiltFile } from "../../packages/dashboard/index.ts";
import { buildDashboard } from "../../scripts/build-dashboard.ts";
import { apiBed } from "../support/bed/api.ts";
import { lambdaContext } from "../support/lambda/context.ts";
import { gatewayEvent } from "../support/lambda/gateway-event.ts";

const api = apiBed();
const files = Object.entries(FILES as Record<string, BuiltFile>);
const unpacked = ({ brotli }: BuiltFile) => brotliDecompressSync(Buffer.from(brotli, "base64"));

test("what is committed is what `npm run dashboard:build` makes of the sources", async () => {
  const built = await buildDashboard();
  expect(new Set(files.map(([path]) => path))).toEqual(new Set(Object.keys(built)));
  for (const [path, file] of files)
    expect(unpacked(file).equals(built[path] ?? Buffer.of()), path).toBe(true);
});

test("everything together has at most 120 KB over the wire", () => {
  const bytes = files.reduce((sum, [, { brotli }]) => sum + Buffer.from(brotli, "base64").length, 0);
  expect(bytes).toBeLessThan(120_000);
});

const PAGES = ["/", "/docs"];

test.each(PAGES)(
  "%s needs no key, allows no foreign script, style or frame, and is asked for anew each time",
  async (path) => {
    const response = await api.app.request(path);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    });
    const html = await response.text();
    // Only files of its own, by addresses that work behind any path; nothing inline, which the policy would refuse.
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = ""]) => address);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) expect(FILES).toHaveProperty([address.slice(1)]);
    expect(addresses.every((address) => address.startsWith("./"))).toBe(true);
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=/);
  },
);

test.each(files)("%s comes compressed or not, and not again when it is known", async (path, file) => {
  const plain = await api.app.request(path);
  expect(Buffer.from(await plain.arrayBuffer()).equals(unpacked(file))).toBe(true);
  const packed = await api.app.request(path, { headers: { "accept-encoding": "gzip, deflate, br" } });
  expect([packed.headers.get("content-encoding"), packed.headers.get("vary")]).toEqual([
    "br",
    "Accept-Encoding",
  ]);
  expect(brotliDecompressSync(Buffer.from(await packed.arrayBuffer())).equals(unpacked(file))).toBe(true);
  const known = await api.app.request(path, { headers: { "if-none-match": file.etag } });
  expect([known.status, await known.text()]).toEqual([304, ""]);
  if (!PAGES.includes(path)) expect(plain.headers.get("cache-control")).toContain("immutable");
});

test("on Lambda, too", async () => {
  const event = gatewayEvent({ method: "GET", path: "/", headers: { "accept-encoding": "br" } });
  const { statusCode, headers, body, isBase64Encoded } = await answerEvent(
    api.app,
    event,
    lambdaContext("api"),
  );
  expect([statusCode, headers?.["content-encoding"], isBase64Encoded]).toEqual([200, "br", true]);
  expect(brotliDecompressSync(Buffer.from(body ?? "", "base64")).toString()).toContain(
    "<title>Tickwork</title>",
  );
});

test.each(["/assets/none.js", "/assets/../package.json", "/assets/constructor", "/index.html"])(
  "%s is no file of it",
  async (path) => {
    expect((await api.app.request(path)).status).toBeGreaterThanOrEqual(401);
  },
);
