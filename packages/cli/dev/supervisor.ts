/**
 * Serves, and serves anew when the code of the tasks has changed. New code is loaded beside the server that runs; only
 * if it can be used, that one is stopped gracefully and the new one serves. Else it goes on with the old code.
 */
import { constants } from "node:os";
import { resolve } from "node:path";
import { FAILED } from "../failure.ts";
import type { DevProcess } from "./dev-process.ts";
import type { FromServer } from "./messages.ts";
import { createWatcher, type Watcher } from "./watcher.ts";

export interface SuperviseOptions {
  /** The module of tasks. */
  tasks: string;
  start: () => DevProcess;
  onServing: (serving: Extract<FromServer, { event: "serving" }>) => void;
  /** Says what happens. */
  say: (text: string) => void;
}

/** A server that ends sooner would only end again. */
const SOON_MS = 5_000;

interface Supervised extends SuperviseOptions {
  watcher: Watcher;
  /** Everything that may have to be killed. */
  processes: Set<DevProcess>;
}

/** Runs until a signal. @returns the exit code */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const watcher = createWatcher();
  const supervised: Supervised = { ...options, watcher, processes: new Set() };
  const signalled = firstSignal(supervised);
  watcher.watch([resolve(options.tasks)], { failed: false });
  try {
    let server = await Promise.race([launch(supervised, undefined), signalled]);
    if (server === undefined) return FAILED;
    for (;;) {
      if (server === "signal") return await stopAll(supervised);
      const happened: "signal" | "changed" | "ended" = await Promise.race([
        signalled,
        watcher.changed().then(() => "changed" as const),
        server ? server.process.ended.then(() => "ended" as const) : new Promise<never>(() => {}),
      ]);
      if (happened === "signal") return await stopAll(supervised);
      if (happened === "ended" && server) {
        const endedSoon: boolean = Date.now() - server.sinceMs < SOON_MS;
        supervised.say(
          `The server has ended (${await server.process.ended}). ${endedSoon ? "It starts again when the code changes." : "It starts again."}`,
        );
        server = undefined;
        if (endedSoon) continue;
      }
      const running: Running | undefined = server;
      server =
        (await Promise.race([launch(supervised, running), signalled])) ??
        (running && !running.replaced ? running : undefined);
    }
  } finally {
    watcher.close();
  }
}

interface Running {
  process: DevProcess;
  sinceMs: number;
  /** It was stopped for a new one. */
  replaced: boolean;
}

/** Loads the code, and serves it in place of what runs. @returns undefined when that cannot be, which has been said */
async function launch(supervised: Supervised, running: Running | undefined): Promise<Running | undefined> {
  const { start, watcher, processes, say, onServing, tasks } = supervised;
  watcher.loads();
  const next = start();
  processes.add(next);
  void next.ended.then(() => processes.delete(next));
  const loaded = await next.loaded;
  if (loaded?.event !== "loaded") {
    if (loaded) watcher.watch([...new Set([resolve(tasks), ...loaded.files])], { failed: true });
    say(loaded?.message ?? `${tasks} ended the process while it was loaded (${await next.ended}).`);
    if (running) say("The server keeps the old code.");
    next.kill();
    return undefined;
  }
  watcher.watch(loaded.files, { failed: false });
  if (running) {
    say("The code has changed; restarting.");
    running.replaced = true;
    await running.process.stop();
  }
  const serving = await next.serve();
  if (!serving) return undefined;
  onServing(serving);
  return { process: next, sinceMs: Date.now(), replaced: false };
}

/** The first signal stops gracefully, the second quits at once. */
function firstSignal({ processes, say }: Supervised): Promise<"signal"> {
  return new Promise((resolve) => {
    let signalled = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => {
        if (signalled) {
          for (const one of processes) one.kill();
          process.exit(128 + constants.signals[signal]);
        }
        signalled = true;
        say("Shutting down; waiting for running tasks. Press Ctrl-C again to quit now.");
        resolve("signal");
      });
  });
}

async function stopAll({ processes }: Supervised): Promise<number> {
  await Promise.all([...processes].map((one) => one.stop()));
  return 0;
}
