/** `tickwork/aws`: Tickwork on AWS. */
export { type AwsDoorbellOptions, createAwsDoorbell } from "./doorbell.ts";
export { createEmbeddedMetrics } from "./embedded-metrics.ts";
export { postgresOnly, runtime, type Secrets } from "./runtime.ts";
