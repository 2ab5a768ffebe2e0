/** The execution environments of a function: one that rests is used again, and a new one is started if none does. */
import { FunctionError } from "./runtime-api.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "./sandbox.ts";

export interface SandboxPool {
  /** Those that live. */
  sandboxes: ReadonlySet<Sandbox>;
  /** Those of them that have an invocation. */
  busy(): Sandbox[];
  /** One that rests, or a new one, or the next one to rest. @throws FunctionError when it cannot start */
  take(): Promise<{ sandbox: Sandbox; cold: boolean }>;
  /** Resolves when it rests, or has ended. */
  giveBack(sandbox: Sandbox): Promise<void>;
  close(): Promise<void>;
}

export function createSandboxPool(options: SandboxOptions, maxConcurrency: number): SandboxPool {
  const sandboxes = new Set<Sandbox>();
  const resting = new Set<Sandbox>();
  const waiting: (() => void)[] = [];
  let starting = 0;
  let closed = false;
  const wake = () => {
    for (const tell of waiting.splice(0)) tell();
  };
  const refuseIfClosed = () => {
    if (closed)
      throw new FunctionError({ errorType: "Sandbox.Closed", errorMessage: "the function is deleted" });
  };
  const start = async (): Promise<Sandbox> => {
    starting++;
    try {
      const sandbox = await startSandbox(options);
      sandboxes.add(sandbox);
      void sandbox.ended.then(() => {
        sandboxes.delete(sandbox);
        resting.delete(sandbox);
        wake();
      });
      if (closed) await sandbox.kill();
      refuseIfClosed();
      return sandbox;
    } finally {
      starting--;
    }
  };
  return {
    sandboxes,
    busy: () => [...sandboxes].filter((sandbox) => !resting.has(sandbox)),
    async take() {
      for (;;) {
        refuseIfClosed();
        for (const sandbox of resting) {
          resting.delete(sandbox);
          return { sandbox, cold: false };
        }
        if (sandboxes.size + starting < maxConcurrency) return { sandbox: await start(), cold: true };
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async giveBack(sandbox) {
      try {
        await sandbox.rest();
        resting.add(sandbox);
        wake();
      } catch (error) {
        // It has ended, and who listens for that takes it out.
        if (!(error instanceof FunctionError)) throw error;
      }
    },
    async close() {
      closed = true;
      wake();
      await Promise.all([...sandboxes].map((sandbox) => sandbox.kill()));
    },
  };
}
