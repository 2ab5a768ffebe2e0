/**
 * The two wires of the world. A request travels, the server does it whole or not at all, and the answer travels back;
 * each way takes time, and each may fail. What was sent is done even when its sender is dead by then.
 */
import {
  createDatabase,
  createRedisCommands,
  type Database,
  type PostgresDriver,
  type RedisCommands,
  type Statement,
} from "#core";
import type { MemoryRedis } from "#memory-redis";
import { asText } from "../bed/as-text.ts";
import { scriptRunBy } from "../redis/gate-scripts.ts";
import type { Process, World } from "./world.ts";

/** What can go wrong on a wire, each as a probability from 0 to 1. */
export interface WireFaults {
  /** A request does not arrive. */
  lostRequest: number;
  /** It is done, and the answer is lost. */
  lostAnswer: number;
  /** It takes seconds instead of milliseconds. */
  slow: number;
  /** Its sender gives up waiting, and it is done after that. */
  late: number;
}

export const noFaults: WireFaults = { lostRequest: 0, lostAnswer: 0, slow: 0, late: 0 };

/** A server that can be down, and what it was asked so far. */
export class Server {
  readonly kind: keyof Process["sent"];
  up = true;
  faults = noFaults;
  /** Something went wrong with a request since the last look. */
  disturbed = false;

  /** What a request takes to it, and an answer from it. */
  travelMs: readonly [number, number] = TRAVEL_MS;

  constructor(kind: keyof Process["sent"]) {
    this.kind = kind;
  }
}

const TRAVEL_MS = [0.5, 20] as const;
const SLOW_MS = [2_000, 8_000] as const;
const NOTICE_MS = [1, 200] as const;
/** How long after its sender gave up a request is done. */
const LATE_MS = [1, 5_000] as const;

/** Sends a request of a process to a server; the promise behaves as a real one's would. */
function send<T>(
  world: World,
  process: Process,
  server: Server,
  name: string,
  execute: () => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    process.sent[server.kind]++;
    const travel = () =>
      world.chance(server.faults.slow) ? world.between(...SLOW_MS) : world.between(...server.travelMs);
    const fail = (why: string) => {
      server.disturbed = true;
      world.tell(`${process.name}: ${name}: ${why}`);
      world.after(world.between(...NOTICE_MS), () => process.resume(() => reject(new Error(why))));
    };
    const lostRequest = world.chance(server.faults.lostRequest);
    const lostAnswer = world.chance(server.faults.lostAnswer);
    if (lostRequest) return fail("the request was lost");
    if (world.chance(server.faults.late)) {
      world.after(world.between(...LATE_MS), () => {
        if (server.up) void world.real(execute).catch(() => {});
      });
      return fail("no answer; it will be done");
    }
    world.after(travel(), () => {
      if (!server.up) return fail("connection refused");
      void world
        .real(execute)
        .then(
          (answer) => () => resolve(answer),
          (error: unknown) => () => reject(error),
        )
        .then((deliver) => {
          if (lostAnswer) fail("the answer was lost");
          else world.after(travel(), () => process.resume(deliver));
        });
    });
  });
}

/** Stands for Postgres's clock in the statements; the wire puts the world's time in its place. */
export const CLOCK = "/*clock*/now()";
/** The trigger cannot be rewritten with every statement; it reads a setting. */
export const TRIGGER_CLOCK = "coalesce(current_setting('sim.now', true)::timestamptz, now())";

/** The embedded Postgres cannot abort a statement. */
const NEVER = new AbortController().signal;

/** The world's Postgres: the embedded one, with the world's time. */
export class SimulatedPostgres extends Server {
  readonly #driver: PostgresDriver;
  readonly #world: World;
  readonly #skewMs: number;
  /** Sees each statement before and after it was done. */
  watch:
    | ((text: string, params: readonly unknown[], execute: () => Promise<void>) => Promise<void>)
    | undefined;

  /** What a statement is sent with in place of its parameters. */
  inPlaceOf: (text: string, params: readonly unknown[]) => unknown[] = (_, params) => [...params];

  /** How transactions of apps ended, by their numbers. */
  readonly transactions = new Map<string, "in progress" | "committed" | "aborted">();

  constructor(world: World, driver: PostgresDriver, skewMs: number) {
    super("postgres");
    this.#world = world;
    this.#driver = driver;
    this.#skewMs = skewMs;
  }

  nowMs(): number {
    return this.#world.nowMs + this.#skewMs;
  }

  /** A statement in the world's time, from outside the wires. */
  async run(text: string, params: unknown[] = []): Promise<Record<string, string | null>[]> {
    const rows = await this.#driver.query({ text: this.#inTime(text), params }, NEVER);
    return rows.map(asText);
  }

  /** The same, as somebody else's program would do it: the trigger gets its time. */
  async runForeign(text: string, params: unknown[] = []): Promise<Record<string, string | null>[]> {
    await this.#setTriggerClock();
    return this.run(text, params);
  }

  connect(process: Process): Database {
    const driver: PostgresDriver = {
      query: ({ text, params = [] }) =>
        send(this.#world, process, this, nameOf(text), () =>
          this.#watched({ text, params: this.inPlaceOf(text, params) }, process),
        ),
      transaction: (statements) =>
        send(this.#world, process, this, nameOf(statements.map(({ text }) => text).join(" ")), async () => {
          await this.#setTriggerClock();
          return this.#driver.transaction(
            statements.map((one) => ({ ...one, text: this.#inTime(one.text) })),
            NEVER,
          );
        }),
      close: async () => {},
    };
    return createDatabase(driver, process.clock);
  }

  async #watched({ text, params = [] }: Statement, sender: Process): Promise<unknown[]> {
    if (text.includes("txid_status")) return [{ status: this.transactions.get(String(params[0])) ?? null }];
    if (/insert into "baasix_Tasks"|update "baasix_Tasks"/.test(text)) await this.#setTriggerClock();
    let result: unknown[] | undefined;
    const execute = async () => {
      result = await this.#driver.query({ text: this.#inTime(text, sender), params }, NEVER);
    };
    if (this.watch) await this.watch(text, params, execute);
    else await execute();
    if (!result) throw new Error("the watcher has to execute");
    return result;
  }

  #iso(): string {
    return new Date(this.nowMs()).toISOString();
  }

  /** The statement with its clock; who sent it does not matter. */
  #inTime(text: string, _sender?: Process): string {
    const now = new Date(this.nowMs()).toISOString();
    return text.replaceAll(CLOCK, `timestamptz '${now}'`);
  }

  async #setTriggerClock(): Promise<void> {
    await this.#driver.query(
      { text: "select set_config('sim.now', $1, false)", params: [this.#iso()] },
      NEVER,
    );
  }
}

/** The world's Redis: the embedded one, which reads the world's time. */
export class SimulatedRedis extends Server {
  readonly #world: World;
  readonly #memory: MemoryRedis;

  constructor(world: World, memory: MemoryRedis) {
    super("redis");
    this.#world = world;
    this.#memory = memory;
  }

  connect(process: Process): RedisCommands {
    return createRedisCommands({
      call: (command) =>
        send(
          this.#world,
          process,
          this,
          scriptRunBy(command) ?? command[0] ?? "",
          async () => this.#memory.call(command) as never,
        ),
      close: async () => {},
    });
  }
}

function nameOf(text: string): string {
  for (const [pattern, name] of NAMES) if (pattern.test(text)) return name;
  return text.trim().slice(0, 30);
}

const NAMES: [RegExp, string][] = [
  [/update tickwork_bulk/, "bulk"],
  [/buried as/, "claim"],
  [/tickwork_batch/, "batch"],
  [/followers as/, "renew batch"],
  [/done as/, "settle"],
  [/set lease_expires_at = .* progress = coalesce/s, "renew"],
  [/null::float8 as lease_ms/, "window"],
  [/wants as/, "gate"],
  [/insert into "baasix_Tasks"/, "insert"],
];
