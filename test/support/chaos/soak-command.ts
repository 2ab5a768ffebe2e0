import { readNumber, readOptions, refuse } from "../command-line.ts";
import { findBinaries } from "./binaries.ts";
import { runSoak, type SoakMinute } from "./soak.ts";

const USAGE = `npm run soak -- [--minutes M] [--rate R]

Has one server run small tasks at a steady rate, on a PostgreSQL and a Redis that it starts itself. At the end it may use
at most 1.1 times the memory that it used after five minutes, and nothing may have piled up.

  --minutes M  how long; 30 by default
  --rate R     tasks a second; 200 by default`;

/** When everything that is kept for long is there, and the ratio begins. */
const WARM_MINUTES = 5;
const MAX_RATIO = 1.1;
/** What may wait at any moment, in seconds of the rate. */
const MAX_BACKLOG_SECONDS = 5;

const options = readOptions(USAGE, ["minutes", "rate"]);
const minutes = readNumber("minutes", options.minutes ?? "30", { min: WARM_MINUTES + 1 });
const rate = readNumber("rate", options.rate ?? "200", { min: 1 });
const binaries = findBinaries();
if (typeof binaries === "string") refuse(binaries);

const row = (...cells: string[]) => console.log(cells.map((cell) => cell.padStart(10)).join(""));
const whole = (mb: number | undefined) => (mb === undefined ? "" : mb.toFixed(1));
console.log(`soak: ${minutes} min at ${rate} tasks/s; memory in MB, the middle value of each minute`);
row("minute", "posted", "backlog", "rss", "heap", "collected");
const report = await runSoak({
  minutes,
  rate,
  binaries,
  onMinute: ({ minute, posted, backlog, rssMb, heapMb, collectedMb }) =>
    row(String(minute), String(posted), String(backlog), whole(rssMb), whole(heapMb), whole(collectedMb)),
});

const at = (minute: number) => report.minutes[minute - 1] as SoakMinute;
const [warm, end] = [at(WARM_MINUTES), at(minutes)];
const ratio = end.rssMb / warm.rssMb;
const achieved = report.posted / (minutes * 60);
console.log(
  [
    `memory after ${WARM_MINUTES} min ${whole(warm.rssMb)} MB, at the end ${whole(end.rssMb)} MB: ratio ${ratio.toFixed(3)} (at most ${MAX_RATIO})`,
    `heap after a collection: ${whole(warm.collectedMb)} MB, at the end ${whole(end.collectedMb)} MB`,
    `${report.posted} tasks posted (${achieved.toFixed(1)}/s, ${report.refused} requests refused), ${report.done} done, ${end.backlog} waiting at the end`,
  ].join("\n"),
);
const missed = [
  ratio > MAX_RATIO && "the memory grew",
  end.backlog > MAX_BACKLOG_SECONDS * rate && "tasks piled up",
  report.refused > 0 && "requests were refused",
  achieved < 0.98 * rate && "the client could not keep the rate",
].filter(Boolean);
console.log(missed.length === 0 ? "fine" : `missed: ${missed.join(", ")}`);
process.exit(missed.length === 0 ? 0 : 1);
