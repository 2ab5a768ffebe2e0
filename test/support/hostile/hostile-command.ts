import { makeTemplate } from "../bed/template.ts";
import { readNumber, readOptions, readSeed, refuse } from "../command-line.ts";
import { assault, describeReport } from "./assault.ts";
import { openTarget, STACKS } from "./targets.ts";

const USAGE = `npm run hostile -- [--stack STACKS] [--requests N] [--seed N]

Sends requests to the real server, drawn from the description of its API: valid ones, hostile ones, and a list of
attacks; on sockets too. Says what must not have happened: an answer that is not as described, a failure of the server,
a row that changed though the request was refused, others that had to wait.

  --stack STACKS  only these: ${STACKS.join(",")}
  --requests N    how many hostile ones; 5000 by default, and two valid ones for every five
  --seed N        draws the same requests again; a new seed by default`;

const VALID_SHARE = 2 / 5;

const options = readOptions(USAGE, ["stack", "requests", "seed"]);
const wanted = options.stack?.split(",") ?? [...STACKS];
const unknown = wanted.find((stack) => !STACKS.some((one) => one === stack));
if (unknown !== undefined) refuse(`--stack must be some of ${STACKS.join(",")}, got ${unknown}`);
const hostile = readNumber("requests", options.requests ?? "5000", { min: 1 });
const seed = readSeed(options.seed);
process.env.TICKWORK_TEMPLATE ??= await makeTemplate();
let wrong = false;
for (const stack of STACKS.filter((one) => wanted.includes(one))) {
  const began = performance.now();
  const target = await openTarget(stack);
  const valid = Math.ceil(hostile * VALID_SHARE);
  const report = await assault(target, { seed, hostile, valid }).finally(() => target.close());
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`${stack}, seed ${seed}: ${describeReport(report)} (${seconds} s)`);
  wrong ||= report.findings.length > 0;
}
process.exit(wrong ? 1 : 0);
