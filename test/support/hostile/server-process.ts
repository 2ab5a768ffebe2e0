/** The real server in a process of its own, which says over IPC what requests have done to it. */
import { createLogger } from "#core";
import { startServer } from "#local";
import { definitions } from "#tasks";
import { current } from "../../../packages/core/current.ts";
import { FINGERPRINT, type Question, type State } from "./state.ts";

const BEAT_MS = 5;

let errors: string[] = [];
const log = createLogger({ level: "error", write: (line) => errors.push(line) });
const server = await startServer({ env: process.env, log, definitions });
const { worker, database } = current();
// What is due stays as it is, so that rows change by requests alone.
Object.assign(worker, { tick: async () => {} });

let blockMs = 0;
let beat = performance.now();
let cpu = process.cpuUsage();
setInterval(() => {
  const late = performance.now() - beat - BEAT_MS;
  const { user, system } = process.cpuUsage(cpu);
  // On a busy machine a process is late through no fault of its own: then it has not used that time.
  blockMs = Math.max(blockMs, Math.min(late, (user + system) / 1000));
  beat = performance.now();
  cpu = process.cpuUsage();
}, BEAT_MS);

async function answer(question: Question): Promise<unknown> {
  if (question.ask === "sql") return database.query({ text: question.text });
  // The beat that was missed last comes first.
  await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
  const state = { blockMs, errors };
  blockMs = 0;
  errors = [];
  const [row] = await database.query<{ fingerprint: string }>({ text: FINGERPRINT });
  return { ...state, fingerprint: row?.fingerprint ?? "" } satisfies State;
}

process.on("message", (question: Question) => {
  answer(question).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => void server.close().finally(() => process.exit(0)));
process.send?.({ value: { port: Number(new URL(server.url).port), key: server.apiKey } });
