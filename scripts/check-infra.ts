/**
 * `npm run check:infra`: checks what can be known of a deployment without AWS. Types against SST's real platform, then
 * the whole program under Pulumi's mocks, for this repository and for the example app, which uses the built package.
 */
import { tool } from "./execute.ts";
import { prepare } from "./prepare-checks.ts";

prepare();
tool("tsc", ["-p", "infra"]);
tool("tsc", ["-p", "examples/own-app"]);
tool("vitest", ["run", "--config", "test/infra/vitest.config.ts", ...process.argv.slice(2)]);
