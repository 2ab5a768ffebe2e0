/** The options of `npm run bench:peers`. */
import { parseArgs } from "node:util";
import { CONTENDERS, type Contender } from "./contenders.ts";
import { MEASURES } from "./measures.ts";
import { DELAYS_MS } from "./table.ts";

const QUICK = { measures: ["drain", "create", "bulk"], delays: "0", rounds: "1" };

const NAMES = [...new Set(CONTENDERS.map(({ name }) => name))];

export const HELP = `npm run bench:peers -- [options]

  --contenders NAMES   of ${NAMES.join(", ")}; :default or :tuned takes one form
  --measures NAMES     of ${Object.keys(MEASURES).join(", ")}
  --delays MS          added to a round trip; ${DELAYS_MS.join(",")}
  --rounds N           how often each is measured; 3
  --quick              ${QUICK.measures.join(", ")} once, with nothing added: about two minutes
  --whole              grows to a million tasks and idles for a minute, in place of 100,000 and 20 seconds
  --write              puts the numbers into docs/performance.md, README.md and their chart`;

export interface Options {
  contenders: Contender[];
  measures: string[];
  delaysMs: number[];
  rounds: number;
  whole: boolean;
  write: boolean;
}

/**
 * @throws Error with one line: the option, what it must be, what it was
 * @returns undefined for `--help`
 */
export function readOptions(given: string[]): Options | undefined {
  const { values } = parseArgs({
    args: given,
    options: {
      contenders: { type: "string", default: NAMES.join(",") },
      measures: { type: "string" },
      delays: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      whole: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  const measures = values.measures?.split(",") ?? (quick ? QUICK.measures : Object.keys(MEASURES));
  for (const name of measures)
    if (!(name in MEASURES)) refuse("measures", name, `of ${Object.keys(MEASURES).join(", ")}`);
  const wanted = values.contenders.split(",");
  for (const name of wanted)
    if (!CONTENDERS.some((one) => one.name === name || one.key === name))
      refuse("contenders", name, `of ${NAMES.join(", ")}`);
  return {
    contenders: CONTENDERS.filter(({ name, key }) => wanted.includes(name) || wanted.includes(key)),
    measures,
    delaysMs: (values.delays ?? (quick ? QUICK.delays : DELAYS_MS.join(",")))
      .split(",")
      .map((text) => number("delays", text, 0)),
    rounds: number("rounds", values.rounds ?? (quick ? QUICK.rounds : "3"), 1),
    whole: values.whole,
    write: values.write,
  };
}

function number(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < least)
    refuse(option, text, `a number from ${least}`);
  return value;
}

function refuse(option: string, value: string, accepted: string): never {
  throw new Error(`--${option} must be ${accepted}, got ${value}.`);
}
