export { createEmbeddedMetrics } from "./embedded-metrics.ts";
export { postgresOnly, runtime, type Secrets } from "./runtime.ts";
