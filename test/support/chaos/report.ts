import type { ChaosReport } from "./chaos.ts";

/** Stories of one run are alike; more of them help nobody. */
const STORIES = 10;

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** What a run saw, for people. */
export function describeChaos(report: ChaosReport): string {
  const { violations, reruns, recoveriesMs, faults } = report;
  const byKind = new Map<string, number>();
  for (const { kind } of faults) byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
  const table = (rows: Iterable<[string, number]>) =>
    [...rows].map(([what, count]) => `  ${String(count).padStart(5)}  ${what}`).join("\n");
  const slowest = recoveriesMs.length > 0 ? seconds(Math.max(...recoveriesMs)) : "none";
  return [
    `chaos, seed ${report.seed}, ${report.minutes} min`,
    `tasks: ${report.tasks} acknowledged (${report.repeatedPosts} requests repeated), ${report.executions} starts of handlers, ${report.retries} planned retries`,
    `workers: ${report.lives} lives; Postgres was seen out of reach or slow ${report.outages} times`,
    `faults: ${faults.length}`,
    table([...byKind].sort(([, a], [, b]) => b - a)),
    "reruns, because",
    table(Object.entries(reruns)),
    `handlers that went on beside the next one, their lease over: ${report.overlaps}`,
    `longest recovery: ${slowest} from a worker's death to the next start of its task (${recoveriesMs.length} recoveries)`,
    `drained ${seconds(report.drainMs)} after the last fault`,
    violations.length === 0
      ? "every promise held"
      : [
          `${violations.length} violations; journals and logs are in ${report.kept}`,
          ...violations.slice(0, STORIES),
          ...(violations.length > STORIES ? [`… and ${violations.length - STORIES} more`] : []),
        ].join("\n\n"),
  ].join("\n");
}
