import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** For `npm run check:infra`. It needs SST's platform, so it is not part of `npm test`. */
export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["test/infra/**/*.infra.ts"],
    globalSetup: "test/support/infra/global-setup.ts",
    testTimeout: 60_000,
  },
});
