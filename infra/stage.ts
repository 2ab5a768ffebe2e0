/**
 * What a stage is for. Which stages are kept is said once, by `removal` in sst.config.ts, so that an app may name its
 * production stage as it likes.
 */

/** Whether its data outlives `sst remove` and its logs are still there a month later. */
export const isKept = $app.removal !== "remove";

/** `pr-12`: lives as long as its pull request, on a database that exists already. */
export const isPullRequest = $app.stage.startsWith("pr-");

/** How long logs are kept. Lambda's default is forever. */
export const logRetention = isKept ? "3 months" : "1 week";

/**
 * For resources that hold data outside of AWS. SST's `removal: "retain"` covers only a list of AWS types, so these must
 * say it themselves. While they are protected, a change of this program cannot delete them either.
 */
export const keepData = { retainOnDelete: isKept, protect: $app.protect };
