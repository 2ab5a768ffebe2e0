import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** For `npm run check:package`, which builds the package and gets what the suites need. */
export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["test/package/**/*.package.ts"],
    globalSetup: "test/support/package/global-setup.ts",
    testTimeout: 240_000,
    hookTimeout: 240_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  },
});
