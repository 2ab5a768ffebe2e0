#!/usr/bin/env node
/** `npx tickwork`. */
import type { Command } from "commander";
import { tell } from "./failure.ts";
import { createProgram } from "./program.ts";

// The AWS SDK, which this process never uses, would warn about Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const program = createProgram();
let asked: Command | undefined;
program.hook("preAction", (_, command) => {
  asked = command;
});
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = tell(error, program.opts<{ json?: boolean }>().json ?? false, asked);
}
