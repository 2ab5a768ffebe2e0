/**
 * What a stage is for. Which stages are kept is said once, by `removal` in sst.config.ts, so that somebody else's app
 * may call its production as it likes.
 */

/** Its data outlives `sst remove`, and its logs are there when somebody asks a month later. */
export const isKept = $app.removal !== "remove";

/** `pr-12`: lives as long as a pull request, on a database that exists already. */
export const isPullRequest = $app.stage.startsWith("pr-");

/** How long logs live. Lambda itself would keep them for ever. */
export const logRetention = isKept ? "3 months" : "1 week";

/**
 * For what holds data outside of AWS. SST's `removal: "retain"` covers a list of AWS's types only, so these resources
 * have to say it themselves. Protected, they cannot be deleted by a change of this program either.
 */
export const keepData = { retainOnDelete: isKept, protect: $app.protect };
