/**
 * `tickwork/tasks`: the tasks that ship with Tickwork. Their code is loaded when it is needed, so it must not be exported from here: import
 * the files themselves for more than this list.
 */
import { lazyTask } from "#core";

export type { CleanupResult } from "./cleanup.ts";
export type { EmailBatchResult, EmailOutcome } from "./email-batch.ts";
export type { HttpRequestResult } from "./http-request.ts";

/**
 * What the deployment can run. To add a type, define it with `defineTask` in a file of its own, as `cleanup.ts` does, and
 * put it in this list: as it is, or with `lazyTask` if its code is large.
 */
export const definitions = [
  lazyTask({ type: "http_request", load: async () => (await import("./http-request.ts")).httpRequest }),
  lazyTask({ type: "cleanup", load: async () => (await import("./cleanup.ts")).cleanup }),
  lazyTask({
    type: "cleanup_temp_files",
    load: async () => (await import("./cleanup-temp-files.ts")).cleanupTempFiles,
  }),
  lazyTask({
    type: "email_batch",
    maxAttempts: 3,
    load: async () => (await import("./email-batch.ts")).emailBatch,
  }),
];
