/** The dashboard as it is served. Its sources are in `src`; `npm run dashboard:build` makes `built.ts` of them. */
import { brotliDecompressSync } from "node:zlib";
import { FILES } from "./built.ts";

/** A file of the dashboard, compressed. */
export interface BuiltFile {
  type: string;
  /** Of its content. */
  etag: string;
  /** Brotli, in base64. */
  brotli: string;
}

/** Only what this server serves: no script, style or picture of anybody else's, and nobody else's frame around it. */
const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  Vary: "Accept-Encoding",
};

/** The names of what the page loads change with their content. */
const FOREVER = "public, max-age=31536000, immutable";

/**
 * Answers with a file of the dashboard; undefined when there is none at this path.
 *
 * @example const page = answerFile("/", new Headers());
 */
export function answerFile(path: string, asked: Headers): Response | undefined {
  if (!Object.hasOwn(FILES, path)) return undefined;
  const file = FILES[path as keyof typeof FILES] as BuiltFile;
  const headers = new Headers({
    ...HEADERS,
    "Content-Type": file.type,
    "Cache-Control": path.startsWith("/assets/") ? FOREVER : "no-cache",
    ETag: file.etag,
  });
  if (asked.get("if-none-match")?.includes(file.etag)) return new Response(null, { status: 304, headers });
  const compressed = Buffer.from(file.brotli, "base64");
  if (!/\bbr\b/.test(asked.get("accept-encoding") ?? ""))
    return new Response(brotliDecompressSync(compressed), { headers });
  headers.set("Content-Encoding", "br");
  return new Response(compressed, { headers });
}
