/** The examples of limits in `/openapi.json`. */
import type { Limit } from "#core";

const limit: Limit = {
  queue: "mail",
  concurrency: 2,
  rate: { starts: 100, period_seconds: 60, burst: false },
  weight: null,
  running: 2,
  source: "api",
  updated_at: "2026-11-24T08:40:00.000Z",
};

export const limitExamples = {
  putLimit: {
    request: { queue: "mail", concurrency: 2, rate: { starts: 100, period_seconds: 60 } },
    answer: limit,
  },
  listLimits: { answer: [limit] },
  removeLimit: { answer: { removed: true } },
};
