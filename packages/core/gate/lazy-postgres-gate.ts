import type { Gate } from "./gate.ts";

type Module = typeof import("./postgres-gate.ts");

let loaded: Module | undefined;

export async function loadPostgresGate(): Promise<Module> {
  loaded ??= await import("./postgres-gate.ts");
  return loaded;
}

/** The gate on Postgres, whose code is loaded when it is first asked: with a healthy Redis it never is. */
export function createLazyPostgresGate(...options: Parameters<Module["createPostgresGate"]>): Gate {
  let created: Gate | undefined;
  const gate = async () => {
    created ??= (await loadPostgresGate()).createPostgresGate(...options);
    return created;
  };
  return {
    enter: async (asking) => (await gate()).enter(asking),
    leave: async (asking, slot, standings) => (await gate()).leave(asking, slot, standings),
    release: async (token, slot, standings) => (await gate()).release(token, slot, standings),
    renew: async (token, slot, standings) => (await gate()).renew(token, slot, standings),
    put: async (standings) => (await gate()).put(standings),
    rebuild: async (read) => (await gate()).rebuild(read),
    vouch: async (trust) => (await gate()).vouch(trust),
    look: async () => (await gate()).look(),
    list: async () => (await gate()).list(),
    rows: async (ids) => (await gate()).rows(ids),
    hold: async (token, ttlMs) => (await gate()).hold(token, ttlMs),
    letGo: async (token) => (await gate()).letGo(token),
    setRunning: async (running) => (await gate()).setRunning(running),
    isRunning: async () => (await gate()).isRunning(),
  };
}
