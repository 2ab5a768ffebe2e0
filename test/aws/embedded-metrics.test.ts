import { expect, test } from "vitest";
import { createEmbeddedMetrics } from "#aws";
import { createLogger } from "#core";

const collect = () => {
  const lines: string[] = [];
  return { lines, write: (line: string) => void lines.push(line) };
};

test("measurements become one line that CloudWatch reads as metrics", () => {
  const { lines, write } = collect();
  createEmbeddedMetrics({ service: "shop-production", write, now: () => 1_795_500_000_000 })({
    TasksCompleted: 2,
    TaskLatenessMilliseconds: [3, 5],
    TaskDurationMilliseconds: [],
    OldestDueAgeSeconds: 0,
  });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      _aws: {
        Timestamp: 1_795_500_000_000,
        CloudWatchMetrics: [
          {
            Namespace: "Tickwork",
            Dimensions: [["service"]],
            Metrics: [
              { Name: "TasksCompleted", Unit: "Count" },
              { Name: "TaskLatenessMilliseconds", Unit: "Milliseconds" },
              { Name: "OldestDueAgeSeconds", Unit: "Seconds" },
            ],
          },
        ],
      },
      service: "shop-production",
      TasksCompleted: 2,
      TaskLatenessMilliseconds: [3, 5],
      OldestDueAgeSeconds: 0,
    },
  ]);
});

test("no line carries more values than CloudWatch takes, and the extremes are among them", () => {
  const { lines, write } = collect();
  createEmbeddedMetrics({ service: "s", write })({
    TaskLatenessMilliseconds: Array.from({ length: 5_000 }, (_, n) => 4_999 - n),
  });
  const { TaskLatenessMilliseconds: values } = JSON.parse(lines[0] ?? "") as {
    TaskLatenessMilliseconds: number[];
  };
  expect([values.length, values[0], values.at(-1)]).toEqual([100, 0, 4_999]);
});

test("a log line is JSON with its level, its fields and what an error was", () => {
  const { lines, write } = collect();
  const log = createLogger({ level: "info", write, fields: { service: "s" } }).with({ requestId: "r" });
  log.debug("not this");
  log.error("that", { error: new TypeError("broken", { cause: new Error("deeper") }), big: 2n });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    level: "error",
    message: "that",
    service: "s",
    requestId: "r",
    error: { name: "TypeError", message: "broken", stack: expect.any(String), cause: { message: "deeper" } },
    big: 2,
  });
});
