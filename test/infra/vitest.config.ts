import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** `npm run check:infra`: needs SST's platform, so it is no part of `npm test`. */
export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["test/infra/**/*.infra.ts"],
    globalSetup: "test/support/infra/global-setup.ts",
    testTimeout: 60_000,
  },
});
