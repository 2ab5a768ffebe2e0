/** A Redis of one's own, on a spare port; it keeps nothing, so a restart empties it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "../helpers/stack.ts";
import type { Binaries } from "./binaries.ts";
import { type OwnProcess, sparePort, startProcess } from "./own-process.ts";

export interface OwnRedis {
  url: string;
  start(): Promise<void>;
  /** As a crash would. */
  kill(): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export async function openOwnRedis({ redis }: Binaries): Promise<OwnRedis> {
  const folder = mkdtempSync(join(tmpdir(), "tickwork-redis-"));
  const port = await sparePort();
  const url = `redis://127.0.0.1:${port}`;
  let running: OwnProcess | undefined;

  const call = async (...command: [string, ...string[]]) => {
    const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    client.on("error", () => {});
    try {
      await client.connect();
      return await client.call(...command);
    } finally {
      client.disconnect();
    }
  };
  const start = async () => {
    const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
    running = startProcess(redis, options, { cwd: folder, stdio: "ignore" });
    await eventually(() =>
      call("PING").then(
        () => true,
        () => false,
      ),
    );
  };
  const kill = async () => {
    running?.child.kill("SIGKILL");
    await running?.ended;
    running = undefined;
  };
  await start();
  return {
    url,
    start,
    kill,
    signal: (signal) => void running?.child.kill(signal),
    flush: async () => void (await call("FLUSHALL")),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
