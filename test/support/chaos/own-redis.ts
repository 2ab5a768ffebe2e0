/** A Redis of one's own, on a spare port; it keeps nothing, so a restart empties it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Binaries } from "./binaries.ts";
import { restartable, sparePort, startProcess } from "./own-process.ts";

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
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const server = restartable(
    () => startProcess(redis, options, { cwd: folder, stdio: "ignore" }),
    () => call("PING"),
  );
  const kill = () => server.end("SIGKILL");
  await server.start();
  return {
    url,
    start: server.start,
    kill,
    signal: server.signal,
    flush: async () => void (await call("FLUSHALL")),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
