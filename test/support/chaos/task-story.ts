import type { Execution, Facts } from "./facts.ts";

/** All that is known of a task, in order, for whoever has to find out what happened. */
export function taskStory(
  { acknowledged, rows, leases, outages, faults, lives }: Facts,
  task: number,
  executions: readonly Execution[],
): string {
  const lines: [at: number, what: string][] = [];
  const posted = acknowledged.get(task);
  if (posted) lines.push([posted.at, `acknowledged, ${JSON.stringify(posted.data)}, to end ${posted.ends}`]);
  for (const lease of leases.filter((one) => one.task === task)) {
    lines.push([lease.claimedAt, `claimed in slot ${lease.slot} at rev ${lease.rev}`]);
    if (lease.endedAt !== undefined) {
      const settler = lease.settledBy === undefined ? "" : `, an outcome of lease ${lease.settledBy}`;
      lines.push([lease.endedAt, `lease ${lease.rev} ${lease.end}, now ${lease.to}${settler}`]);
    }
    lines.push([lease.expiresAt, `lease ${lease.rev} ends at the latest`]);
  }
  for (const { rev, startedAt, endedAt, how, life } of executions) {
    lines.push([startedAt, `worker ${life.n} starts the handler on lease ${rev}`]);
    if (endedAt !== undefined) lines.push([endedAt, `worker ${life.n}: the handler on lease ${rev} ${how}`]);
    if (life.endedAt !== undefined) lines.push([life.endedAt, `worker ${life.n} is dead`]);
    for (const { from, to } of life.stops)
      lines.push([from, `worker ${life.n} is stopped`], [to, `worker ${life.n} goes on`]);
    for (const { since, at } of life.lines)
      if (since !== undefined)
        lines.push([at, `worker ${life.n} says that it did nothing for ${at - since} ms`]);
  }
  const times = lines.map(([at]) => at).filter(Number.isFinite);
  const [first, last] = [Math.min(...times) - 1_000, Math.max(...times) + 1_000];
  for (const { from, to } of outages)
    lines.push([from, "Postgres does not answer"], [to, "Postgres answers"]);
  for (const { kind, at, life } of faults) lines.push([at, life === undefined ? kind : `${kind}: ${life}`]);
  const row = rows.find(({ id }) => id === task);
  const end = row
    ? `in the end: ${row.status}, ${row.attempts} attempts, ${row.crashes} crashes`
    : "in the end: no row";
  // Workers that had nothing to do with it are of no interest.
  const known = new Set(executions.map(({ life }) => life.n));
  const others = new Set(lives.map(({ n }) => n).filter((n) => executions.length > 0 && !known.has(n)));
  return indent(
    [
      ...[...new Map(lines.map((line) => [line.join(), line])).values()]
        .filter(([at, what]) => at >= first && at <= last && !others.has(Number(/: (\d+)$/.exec(what)?.[1])))
        .sort(([a], [b]) => a - b)
        .map(([at, what]) => `${new Date(at).toISOString().slice(11, 23)} ${what}`),
      end,
    ].join("\n"),
  );
}

export const indent = (text: string) => text.replaceAll(/^/gm, "    ");
