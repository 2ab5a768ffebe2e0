/** What is attacked: the server on each of its stacks, and the function behind API Gateway. */
import { isUtf8 } from "node:buffer";
import { fork } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { prefixOf } from "../../../packages/core/gate/prefix.ts";
import { keysOf } from "../../../packages/core/gate/scripts/keys.ts";
import { openIoredis } from "../../../packages/drivers/ioredis.ts";
import { FUNCTIONS } from "../../../scripts/bundle.ts";
import { createDatabase, redisServerUrl } from "../../../scripts/local-servers.ts";
import { EVENT_LIMIT_BYTES } from "../aws/event-limits.ts";
import { preparedFolder } from "../bed/process.ts";
import { temporaryFolder } from "../bed/template.ts";
import { API_KEY } from "../lambda/deployment.ts";
import { gatewayEvent } from "../lambda/gateway-event.ts";
import { buildPackages } from "../lambda/package.ts";
import { openStage } from "../lambda/stage.ts";
import type { HttpRequest } from "./requests.ts";
import { FINGERPRINT, type Question, type State } from "./state.ts";
import { sendOne, type WireAnswer } from "./wire.ts";

export const STACKS = ["embedded", "real", "lambda"] as const;
export type Stack = (typeof STACKS)[number];

export interface Target {
  stack: Stack;
  key: string;
  /** Where sockets connect to; Lambda has none. */
  port: number | undefined;
  /** Undefined when there was no answer. */
  send(request: HttpRequest): Promise<WireAnswer | undefined>;
  state(): Promise<State>;
  sql(text: string): Promise<void>;
  close(): Promise<void>;
}

export async function openTarget(stack: Stack): Promise<Target> {
  if (stack === "lambda") return openFunction();
  if (stack === "embedded") {
    const folder = preparedFolder();
    return openServer(stack, { DATA_DIR: folder }, async () =>
      rmSync(folder, { recursive: true, force: true }),
    );
  }
  const database = await createDatabase();
  const folder = temporaryFolder();
  const env = { DATA_DIR: folder, DATABASE_URL: database.url, CACHE_REDIS_URL: redisServerUrl };
  return openServer(stack, env, async () => {
    rmSync(folder, { recursive: true, force: true });
    const redis = await openIoredis(redisServerUrl);
    await redis.call(["DEL", ...keysOf(prefixOf(database.url), 1)]);
    await Promise.all([redis.close(), database.drop()]);
  });
}

async function openServer(
  stack: Stack,
  env: Record<string, string>,
  cleanUp: () => Promise<void>,
): Promise<Target> {
  const child = fork(join(import.meta.dirname, "server-process.ts"), {
    execArgv: ["--import", "tsx"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, USER: process.env.USER, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => printed.push(`not through the log: ${chunk}`));
  /** The next thing that the process says: one question at a time. */
  const told = <Value>() =>
    new Promise<Value>((resolve, reject) => {
      const giveUp = () => reject(new Error(`the server's process ended: ${printed.join("")}`));
      child.once("exit", giveUp);
      child.once("message", ({ value, error }: { value: Value; error?: string }) => {
        child.off("exit", giveUp);
        if (error === undefined) resolve(value);
        else reject(new Error(error));
      });
    });
  const ask = <Answer>(question: Question) => {
    const answer = told<Answer>();
    child.send(question);
    return answer;
  };
  const { port, key } = await told<{ port: number; key: string }>();
  return {
    stack,
    key,
    port,
    send: (request) => sendOne(port, request),
    async state() {
      const state = await ask<State>({ ask: "state" });
      const errors = [...state.errors, ...printed];
      printed = [];
      return { ...state, errors };
    },
    sql: (text) => ask({ ask: "sql", text }),
    async close() {
      if (child.connected) child.disconnect();
      await ended;
      await cleanUp();
    },
  };
}

/** What API Gateway answers when Lambda refuses the event: the function never sees it. */
const TOO_LARGE: WireAnswer = {
  status: 413,
  headers: { "content-type": "application/json" },
  text: JSON.stringify({ error: { code: "body_too_large", message: "Request Entity Too Large" } }),
  complete: true,
  bytes: 0,
};

async function openFunction(): Promise<Target> {
  const packages = await buildPackages(FUNCTIONS);
  const stage = await openStage(packages, {});
  // What is due stays as it is, so that rows change by requests alone.
  stage.deliver = () => {};
  let read = 0;
  return {
    stack: "lambda",
    key: API_KEY,
    port: undefined,
    async send(request) {
      const event = eventOf(request);
      if (Buffer.byteLength(JSON.stringify(event)) > EVENT_LIMIT_BYTES.RequestResponse) return TOO_LARGE;
      const done = await stage.api.invoke(event);
      if (!done.ok) return undefined;
      const {
        statusCode,
        headers,
        body = "",
        isBase64Encoded,
      } = done.payload as {
        statusCode: number;
        headers: Record<string, string>;
        body?: string;
        isBase64Encoded?: boolean;
      };
      const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
      return {
        status: statusCode,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
        ),
        text: bytes.toString("utf8"),
        complete: true,
        // The answer of a function is JSON, in which a text is longer than it is.
        bytes: Buffer.byteLength(JSON.stringify(done.payload)),
      };
    },
    async state() {
      const lines = stage.api.log.slice(read).map(({ line }) => line);
      read = stage.api.log.length;
      const [row] = await stage.sql(FINGERPRINT);
      return {
        fingerprint: row?.[0] ?? "",
        blockMs: 0,
        errors: lines.filter((line) => line.includes('"level":"error"')),
      };
    },
    sql: async (text) => void (await stage.sql(text)),
    async close() {
      await stage.close();
      await packages.remove();
    },
  };
}

/** As API Gateway hands it over: one value a header, the body in Base64. */
function eventOf({ method, target, headers, body }: HttpRequest): unknown {
  // An address in place of a path does not get through API Gateway as such.
  const [path = "", ...search] = target.replace(/^https?:\/\/[^/]*/, "").split("?");
  const joined: Record<string, string> = {};
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    joined[lower] = lower in joined ? `${joined[lower]},${value}` : value;
  }
  const event = gatewayEvent({ method, path: "/", headers: joined });
  return {
    ...event,
    rawPath: path,
    rawQueryString: search.join("?"),
    requestContext: {
      ...event.requestContext,
      http: { ...event.requestContext.http, method, path },
    },
    ...(body === undefined ? {} : bodyOf(Buffer.from(body), joined["content-type"])),
  };
}

/** What says that it is text comes as text, all else in base64. */
function bodyOf(bytes: Buffer, contentType = ""): { body: string; isBase64Encoded: boolean } {
  const isText = /^(text\/|application\/(json|javascript|xml))/.test(contentType) && isUtf8(bytes);
  return { body: bytes.toString(isText ? "utf8" : "base64"), isBase64Encoded: !isText };
}
