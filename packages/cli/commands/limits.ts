import { type Command, InvalidArgumentError } from "commander";
import type { Limit, LimitTarget, LimitTerms } from "#core";
import { mustBe } from "../../core/errors.ts";
import { WEIGHT_MAX } from "../../core/lane-limits.ts";
import { UsageError } from "../failure.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { duration, wholeNumber } from "../values.ts";

const ACTIONS = ["list", "set", "remove"] as const;
type Action = (typeof ACTIONS)[number];

interface Flags extends ServerFlags {
  json?: boolean;
  type?: string;
  queue?: string;
  key?: string;
  concurrency?: number;
  rate?: { starts: number; period_seconds: number };
  burst?: boolean;
  weight?: number;
}

export function addLimits(program: Command): void {
  const command = program
    .command("limits")
    .description("list how many tasks of a type, a queue or a key may run or start; set or remove one")
    .addArgument(program.createArgument("[action]", "what to do").choices(ACTIONS).default("list"))
    .option("--type <type>", "the tasks of this type")
    .option("--queue <name>", "those in this queue")
    .option("--key <key>", "those of this key; * is each key that has no limit of its own")
    .option("--concurrency <n>", "how many run at once", wholeNumber(1))
    .option("--rate <n/time>", "how many start in how much time, such as 100/1m", rate)
    .option("--burst", "all of them may start at once; otherwise evenly")
    .option("--weight <n>", "how many turns a group of keys gets where others get one", weight)
    .action(async (action: Action, _: unknown, self: Command) => limits(action, self.optsWithGlobals()));
  withServerOptions(command);
  example(
    command,
    "npx tickwork limits",
    "npx tickwork limits set --queue mail --concurrency 2 --rate 100/1m",
    "npx tickwork limits remove --queue mail",
  );
}

function rate(text: string): Flags["rate"] {
  const [, starts, period] = /^(\d+)\/(.+)$/.exec(text) ?? [];
  if (starts === undefined || period === undefined)
    throw new InvalidArgumentError("It must be a number and a time such as 100/1m.");
  return { starts: Number(starts), period_seconds: duration(period) / 1000 };
}

function weight(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value))
    throw new InvalidArgumentError(`It ${mustBe(`a number from 0.001 to ${WEIGHT_MAX}`, text)}.`);
  return value;
}

/** @throws UsageError unless exactly one is given */
function targetOf({ type, queue, key }: Flags): LimitTarget {
  const targets: LimitTarget[] = [
    ...(type === undefined ? [] : [{ type }]),
    ...(queue === undefined ? [] : [{ queue }]),
    ...(key === undefined ? [] : [{ concurrency_key: key }]),
  ];
  const [target] = targets;
  if (target && targets.length === 1) return target;
  throw new UsageError(`Give one of --type, --queue and --key, got ${targets.length || "none"}.`);
}

async function limits(action: Action, flags: Flags): Promise<void> {
  const output = createOutput({ json: flags.json ?? false });
  if (action === "list") {
    const all = await withClient(flags, (client) => client.limits.list());
    return output.result(all, () =>
      all.length === 0 ? "There are no limits." : all.map(limitLine).join("\n"),
    );
  }
  const target = targetOf(flags);
  if (action === "remove") {
    const answer = await withClient(flags, (client) => client.limits.remove(target));
    return output.result(answer, () =>
      answer.removed ? `Removed: the limit of ${nameOf(target)}` : `No limit of ${nameOf(target)}`,
    );
  }
  if (flags.burst && !flags.rate) throw new UsageError("Give --burst with --rate.");
  if (flags.concurrency === undefined && !flags.rate && flags.weight === undefined)
    throw new UsageError("Give --concurrency, --rate or --weight: what the limit is.");
  const settings: LimitTerms = {
    concurrency: flags.concurrency,
    rate: flags.rate && { ...flags.rate, burst: flags.burst },
    weight: flags.weight,
  };
  const limit = await withClient(flags, (client) => client.limits.put(target, settings));
  output.result(limit, () => limitLine(limit));
}

function nameOf({ type, queue, concurrency_key }: Partial<Limit>): string {
  if (type !== undefined) return `type ${type}`;
  return queue === undefined ? `key ${concurrency_key}` : `queue ${queue}`;
}

function limitLine(limit: Limit): string {
  const { concurrency, rate: allowed, weight, running, source } = limit;
  const said = [
    concurrency === null ? undefined : `${concurrency} at once`,
    allowed &&
      `${allowed.starts} in ${allowed.period_seconds} s${allowed.burst ? ", in bursts" : ", evenly"}`,
    weight === null ? undefined : `weight ${weight}`,
    running ? `${running} running` : undefined,
    source === "code" ? "from code" : undefined,
  ];
  return `${nameOf(limit)}: ${said.filter(Boolean).join("; ")}`;
}
