/** What functions have written, read as CloudWatch reads it: every line is JSON, and some of them are metrics. */
import type { LambdaFunction } from "./lambda.ts";

export type Line = Record<string, unknown>;

/** @throws Error when something wrote what is not JSON, or to stderr */
function linesOf({ log }: LambdaFunction): Line[] {
  return log.map(({ stream, line }) => {
    if (stream === "stdout" && line.startsWith("{")) return JSON.parse(line) as Line;
    throw new Error(`not a line of JSON on stdout: ${stream}: ${line}`);
  });
}

/** Lines of the log, those of metrics left out. */
export const logOf = (fn: LambdaFunction): Line[] => linesOf(fn).filter((line) => !("_aws" in line));

/** The values of the lines of embedded metric format, each with its unit. */
export function metricsOf(fn: LambdaFunction): Record<string, unknown>[] {
  return linesOf(fn).flatMap((line) => {
    const { CloudWatchMetrics: directives } = (line._aws ?? { CloudWatchMetrics: [] }) as {
      CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
    };
    return directives.map(({ Namespace, Dimensions, Metrics }) => {
      // CloudWatch drops a metric whose value or dimension is not in the line.
      for (const name of [...Dimensions.flat(), ...Metrics.map(({ Name }) => Name)])
        if (!(name in line)) throw new Error(`${name} is announced and not there`);
      return { Namespace, ...Object.fromEntries(Metrics.map(({ Name }) => [Name, line[Name]])) };
    });
  });
}
