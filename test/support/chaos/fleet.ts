/** Workers, each a process of the server that ships; one that ends is started again, as a service manager would. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type OwnProcess, startProcess } from "./own-process.ts";

const RESTART_MS = 100;
export const API_KEY = "chaos";

/** One process from its start to its end. */
export interface Life {
  n: number;
  startedAt: number;
  servingAt?: number;
  url?: string;
  killedAt?: number;
  endedAt?: number;
  /** The exit code or the signal. */
  end?: number | NodeJS.Signals | null;
  stops: { from: number; to: number }[];
  journal: string;
  log: string;
}

interface Place {
  life: Life;
  process: OwnProcess;
  stopped: boolean;
}

export interface Fleet {
  /** Every life there was, in the order of their starts. */
  lives: Life[];
  /** Those that have a process, also one that is starting or stopped. */
  alive(): Life[];
  /** Those that answer requests, unless they are stopped at the moment. */
  serving(): Life[];
  kill(life: Life): void;
  /** Stops it for a while; false when it ended before it could go on. */
  pause(life: Life, ms: number): Promise<boolean>;
  /** Ends the processes and starts none anew. */
  close(): Promise<void>;
}

export interface FleetOptions {
  count: number;
  /** The file that `buildWorker` wrote. */
  worker: string;
  /** Where journals and logs go. */
  folder: string;
  env: Record<string, string>;
}

export function startFleet({ count, worker, folder, env }: FleetOptions): Fleet {
  const lives: Life[] = [];
  const places = new Set<Place>();
  let closing = false;

  const start = () => {
    const n = lives.length + 1;
    const life: Life = {
      n,
      startedAt: Date.now(),
      stops: [],
      journal: join(folder, `worker-${n}.jsonl`),
      log: join(folder, `worker-${n}.log`),
    };
    lives.push(life);
    closeSync(openSync(life.journal, "w"));
    const log = openSync(life.log, "w");
    const process_ = startProcess(process.execPath, ["--enable-source-maps", worker], {
      cwd: folder,
      env: { PATH: process.env.PATH, PORT: "0", API_KEY, CHAOS_JOURNAL: life.journal, ...env },
      stdio: ["ignore", "pipe", log],
    });
    closeSync(log);
    const place: Place = { life, process: process_, stopped: false };
    places.add(place);
    let greeting = "";
    process_.child.stdout?.on("data", (chunk: Buffer) => {
      greeting += chunk;
      const address = /address +(\S+)/.exec(greeting)?.[1];
      if (!address || life.url) return;
      life.url = address;
      life.servingAt = Date.now();
    });
    void process_.ended.then(async (end) => {
      places.delete(place);
      life.endedAt = life.killedAt ?? Date.now();
      life.end = end;
      await sleep(RESTART_MS);
      if (!closing) start();
    });
  };
  const placeOf = (life: Life) => [...places].find((place) => place.life === life);

  for (let n = 0; n < count; n++) start();
  return {
    lives,
    alive: () => [...places].map(({ life }) => life),
    serving: () => [...places].filter(({ life, stopped }) => life.url && !stopped).map(({ life }) => life),
    kill(life) {
      const place = placeOf(life);
      if (!place) return;
      life.killedAt ??= Date.now();
      place.process.child.kill("SIGKILL");
    },
    async pause(life, ms) {
      const place = placeOf(life);
      if (!place || place.stopped) return false;
      const stop = { from: Date.now(), to: Number.POSITIVE_INFINITY };
      life.stops.push(stop);
      place.stopped = true;
      place.process.child.kill("SIGSTOP");
      await Promise.race([sleep(ms), place.process.ended]);
      place.process.child.kill("SIGCONT");
      place.stopped = false;
      stop.to = Date.now();
      return life.endedAt === undefined;
    },
    async close() {
      closing = true;
      await Promise.all(
        [...places].map(({ life, process: { child, ended } }) => {
          life.killedAt = Date.now();
          child.kill("SIGKILL");
          return ended;
        }),
      );
    },
  };
}

/** The last lines that a life wrote, for who asks why it ended. */
export const lastLines = ({ log }: Life, count = 20): string =>
  readFileSync(log, "utf8").trimEnd().split("\n").slice(-count).join("\n");
