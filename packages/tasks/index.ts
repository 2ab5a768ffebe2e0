/**
 * The tasks that ship with Tickwork. Their code is loaded when it is needed, so nothing of it may be exported from
 * here: who wants more than the list imports the files.
 */
import { lazyTask } from "#core";

export type { CleanupResult } from "./cleanup.ts";
export type { HttpRequestResult } from "./http-request.ts";

/**
 * What the deployment can run. Add your own here: write it in a file of its own with `defineTask`, as `cleanup.ts`
 * does, and put it in the list; as it is, or with `lazyTask` when its code is large.
 */
export const definitions = [
  lazyTask({ type: "http_request", load: async () => (await import("./http-request.ts")).httpRequest }),
  lazyTask({ type: "cleanup", load: async () => (await import("./cleanup.ts")).cleanup }),
  lazyTask({
    type: "cleanup_temp_files",
    load: async () => (await import("./cleanup-temp-files.ts")).cleanupTempFiles,
  }),
];
