#!/usr/bin/env node
/** `npx tickwork`. */
import { tell } from "./failure.ts";
import { createProgram } from "./program.ts";

// The AWS SDK, which this process never uses, would warn about Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = tell(error, program.opts<{ json?: boolean }>().json ?? false);
}
