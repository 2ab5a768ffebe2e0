/** How long a body keeps everybody else in the process waiting. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#api";
import { defineTask } from "#core";
import { definitions } from "#tasks";
import {
  BATCH_LIMIT,
  BODY_LIMIT_BYTES,
  BODY_NAMES_LIMIT,
  TASK_DATA_LIMIT_BYTES,
} from "../../packages/core/limits.ts";
import { serversAnswer } from "../../scripts/local-servers.ts";
import { KEY } from "../support/bed/api.ts";
import { openTestBed, type TestBed } from "../support/bed/bed.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noting } from "../support/bed/tasks.ts";

const LIMIT_MS = 250;

/** As many of it as make so many bytes. */
const filled = (one: string, bytes: number) =>
  Array(Math.floor(bytes / (one.length + 1)))
    .fill(one)
    .join(",");
/** Each task has so much data, as many tasks as a body takes. */
const tasks = (type: string, one: string, bytes: number) => {
  const task = `{"type":"${type}","task_data":[${filled(one, bytes - 100)}]}`;
  const count = Math.min(BATCH_LIMIT, Math.floor((BODY_LIMIT_BYTES - 2) / (task.length + 1)));
  return `[${Array(count).fill(task).join(",")}]`;
};
/** A task with so many fields that none has. Letters: an object is slower by names than by numbers. */
const objectOf = (fields: number) =>
  `{"type":"note",${Array.from({ length: fields - 1 }, (_, n) => `"_${n.toString(26).replace(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)] ?? "")}":1`).join(",")}}`;
const words = defineTask({ type: "words", data: v.array(v.string()), run: async () => {} });

describe.skipIf(!serversAnswer)("the largest bodies keep nobody waiting for a quarter of a second", () => {
  let bed: TestBed;
  let app: ReturnType<typeof createApp>;
  beforeAll(async () => {
    bed = await openTestBed("real servers");
    const made = bed.make({
      doorbell: noteRings(),
      definitions: [...definitions, words, noting().definition],
    });
    app = createApp({ ...made, config: { apiKey: KEY } });
  });
  afterAll(() => bed.close());

  const kib = (n: number) => n * 1024;
  const largest = kib(5);
  test.each<[string, string, number]>([
    ["a thousand tasks", tasks("note", '"abcdefgh"', largest), 201],
    ["a few tasks of the largest data", tasks("note", '{"a":1,"b":[2]}', TASK_DATA_LIMIT_BYTES), 201],
    ["numbers where there must be strings, in a thousand tasks", tasks("words", "1", largest), 422],
    ["the same in a few tasks", tasks("words", "1", TASK_DATA_LIMIT_BYTES), 422],
    ["too many tasks", `[${filled('{"type":7}', BODY_LIMIT_BYTES - 10)}]`, 413],
    ["data that is too large", `{"type":"note","task_data":[${filled("1", BODY_LIMIT_BYTES - 50)}]}`, 413],
    ["as many names as may be", objectOf(BODY_NAMES_LIMIT - 1), 422],
    ["more names than may be", objectOf(4 * BODY_NAMES_LIMIT), 400],
    ["numbers alone", `[${filled("1", BODY_LIMIT_BYTES - 10)}]`, 413],
    ["levels without end", "[".repeat(BODY_LIMIT_BYTES), 400],
    ["a headerful", tasks("http_request", "1", kib(100)), 422],
  ])("%s", async (_, body, status) => {
    const post = () =>
      app.request("/tasks", { method: "POST", body, headers: { authorization: `Bearer ${KEY}` } });
    const delaysMs: number[] = [];
    // The first time compiles the code, and the machine may be busy with something else.
    for (let n = 0; n < 4; n++) {
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      const response = await post();
      delay.disable();
      delaysMs.push(delay.max / 1e6);
      expect(response.status).toBe(status);
      expect((await response.text()).length).toBeLessThan(2 * BODY_LIMIT_BYTES);
    }
    expect(Math.min(...delaysMs)).toBeLessThan(LIMIT_MS);
  });
});
