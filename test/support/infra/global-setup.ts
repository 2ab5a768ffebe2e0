/** Evaluates all scenarios, two at a time: each keeps about one core busy. */
import { fileOf } from "./program.ts";
import { buildEvaluator, run } from "./run.ts";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";

const WORKERS = 2;

export default async function setup(): Promise<void> {
  await buildEvaluator();
  const queue = Object.keys(SCENARIOS) as ScenarioName[];
  const work = async () => {
    for (let name = queue.shift(); name; name = queue.shift()) await run(SCENARIOS[name], fileOf(name));
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}
