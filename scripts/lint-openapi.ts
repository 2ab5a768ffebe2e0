/** `npm run check:api`: lints what `/openapi.json` answers, by the recommended rules of Redocly. Nothing leaves this machine. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openApi } from "#api";

const folder = mkdtempSync(join(tmpdir(), "tickwork-openapi-"));
try {
  writeFileSync(join(folder, "openapi.json"), JSON.stringify(await openApi(), null, 2));
  const redocly = join(import.meta.dirname, "../node_modules/.bin/redocly");
  // The recommended rules; what is a warning there is an error here.
  const { status, stdout, stderr } = spawnSync(
    redocly,
    ["lint", "openapi.json", "--extends=recommended-strict"],
    {
      cwd: folder,
      env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
      encoding: "utf8",
    },
  );
  if (status !== 0) console.error(stdout, stderr);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
