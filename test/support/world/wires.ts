/**
 * The two wires of the world. A request travels, the server does it whole or not at all, and the answer travels back;
 * each way takes time, and each may fail. What was sent is done even when its sender is dead by then.
 */
import { neon } from "@neondatabase/serverless";
import { Redis } from "@upstash/redis";
import { createDatabase, createRedisCommands, type Database, type RedisCommands } from "#core";
import {
  answerNeon,
  type Backend,
  createMemoryRequester,
  forgetNeon,
  type MemoryRedis,
  type WireRequest,
} from "#local";
import { ENTER, LEAVE, RELEASE } from "../../../packages/core/gate/scripts/decide.ts";
import { RENEW } from "../../../packages/core/gate/scripts/flag.ts";
import { PUT } from "../../../packages/core/gate/scripts/refresh.ts";
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

/** The world's Postgres: the embedded one, with the world's time. */
export class SimulatedPostgres extends Server {
  readonly #backend: Backend;
  readonly #world: World;
  readonly #skewMs: number;
  /** Sees each statement before and after it was done. */
  watch: ((text: string, params: unknown[], execute: () => Promise<void>) => Promise<void>) | undefined;

  constructor(world: World, backend: Backend, skewMs: number) {
    super("postgres");
    this.#world = world;
    this.#backend = backend;
    this.#skewMs = skewMs;
  }

  nowMs(): number {
    return this.#world.nowMs + this.#skewMs;
  }

  /** A statement in the world's time, from outside the wires. */
  async run(text: string, params: unknown[] = []): Promise<Record<string, string | null>[]> {
    const { fields, rows } = await this.#backend.query({ query: this.#inTime(text), params });
    return rows.map((row) => Object.fromEntries(fields.map(({ name }, n) => [name, row[n] ?? null])));
  }

  /** The same, as somebody else's program would do it: the trigger gets its time. */
  async runForeign(text: string, params: unknown[] = []): Promise<Record<string, string | null>[]> {
    await this.#setTriggerClock();
    return this.run(text, params);
  }

  connect(process: Process): { database: Database; close: () => void } {
    const name = `sim-${process.name.replace(" ", "-")}-${this.#world.random().toString(36).slice(2)}`;
    const query: Backend["query"] = ({ query: text, params }) =>
      send(this.#world, process, this, nameOf(text), () => this.#watched(text, params, process));
    const url = answerNeon(name, {
      query,
      transaction: (queries, options) =>
        send(this.#world, process, this, nameOf(queries.map((one) => one.query).join(" ")), async () => {
          await this.#setTriggerClock();
          return this.#backend.transaction(
            queries.map((one) => ({ ...one, query: this.#inTime(one.query) })),
            options,
          );
        }),
      close: async () => {},
    });
    return { database: createDatabase(neon(url), process.clock), close: () => forgetNeon(url) };
  }

  async #watched(text: string, params: unknown[], sender: Process) {
    if (/insert into "baasix_Tasks"|update "baasix_Tasks"/.test(text)) await this.#setTriggerClock();
    let result: Awaited<ReturnType<Backend["query"]>> | undefined;
    const execute = async () => {
      result = await this.#backend.query({ query: this.#inTime(text, sender), params });
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
    await this.#backend.query({ query: "select set_config('sim.now', $1, false)", params: [this.#iso()] });
  }
}

/** The world's Redis: the embedded one, which reads the world's time. */
export class SimulatedRedis extends Server {
  readonly #world: World;
  readonly #answer: ReturnType<typeof createMemoryRequester>;

  constructor(world: World, memory: MemoryRedis) {
    super("redis");
    this.#world = world;
    this.#answer = createMemoryRequester(memory);
  }

  connect(process: Process): RedisCommands {
    const redis = new Redis({
      url: "https://redis.tickwork.invalid",
      token: "simulation",
      automaticDeserialization: false,
      enableAutoPipelining: false,
      enableTelemetry: false,
    });
    redis.use(
      (request) =>
        send(this.#world, process, this, scriptOf(request), async () =>
          this.#answer(request as WireRequest),
        ) as never,
    );
    return createRedisCommands(redis);
  }
}

function nameOf(text: string): string {
  for (const [pattern, name] of NAMES) if (pattern.test(text)) return name;
  return text.trim().slice(0, 30);
}

const NAMES: [RegExp, string][] = [
  [/buried as/, "claim"],
  [/done as/, "settle"],
  [/set lease_expires_at = .* progress = coalesce/s, "renew"],
  [/null::float8 as lease_ms/, "window"],
  [/wants as/, "gate"],
  [/insert into "baasix_Tasks"/, "insert"],
];

function scriptOf({ body }: { body?: unknown }): string {
  const [command, script] = body as [string, string];
  if (command.toLowerCase() !== "eval") return command;
  return SCRIPTS.get(script) ?? "script";
}

const SCRIPTS = new Map([
  [ENTER.lua, "enter"],
  [LEAVE.lua, "leave"],
  [RELEASE.lua, "release"],
  [RENEW.lua, "renew flag"],
  [PUT.lua, "put"],
]);
