import type { Metrics } from "#core";

/** Values of one measurement that CloudWatch takes in a line. */
const VALUES_LIMIT = 100;

/**
 * Metrics by CloudWatch's embedded metric format: a log line that CloudWatch reads as metrics. It costs no request.
 *
 * @example const metrics = createEmbeddedMetrics({ service: "shop-production", write: (line) => process.stdout.write(`${line}\n`) });
 */
export function createEmbeddedMetrics(options: {
  service: string;
  write: (line: string) => void;
  now?: () => number;
}): Metrics {
  const { service, write, now = Date.now } = options;
  return (measurements) => {
    const values = Object.entries(measurements).filter(
      ([, value]) => !Array.isArray(value) || value.length > 0,
    );
    if (values.length === 0) return;
    const directive = {
      Namespace: "Tickwork",
      Dimensions: [["service"]],
      Metrics: values.map(([Name]) => ({ Name, Unit: unitOf(Name) })),
    };
    const limited = values.map(([name, value]) => [
      name,
      Array.isArray(value) ? spread(value as number[]) : value,
    ]);
    write(
      JSON.stringify({
        _aws: { Timestamp: now(), CloudWatchMetrics: [directive] },
        service,
        ...Object.fromEntries(limited),
      }),
    );
  };
}

function unitOf(name: string): "Milliseconds" | "Seconds" | "Count" {
  if (name.endsWith("Milliseconds")) return "Milliseconds";
  return name.endsWith("Seconds") ? "Seconds" : "Count";
}

/** At most as many as a line takes; of more, every n-th in order of size, so that the extremes stay. */
function spread(values: readonly number[]): number[] {
  if (values.length <= VALUES_LIMIT) return [...values];
  const sorted = [...values].sort((a, b) => a - b);
  return Array.from(
    { length: VALUES_LIMIT },
    (_, n) => sorted[Math.round((n * (sorted.length - 1)) / (VALUES_LIMIT - 1))] ?? 0,
  );
}
