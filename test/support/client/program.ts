/** What a program does with the client, in whatever it runs in. It is bundled, so it may need nothing but `fetch`. */
import {
  createClient,
  TickworkApiError,
  TickworkNetworkError,
  TickworkTimeoutError,
} from "../../../packages/client/index.ts";
import type * as tasks from "./tasks.ts";

/** Whatever `call` rejects with. */
const thrownBy = (call: Promise<unknown>) =>
  call.then(
    () => "nothing",
    (error: unknown) => error,
  );

/** @param url where the API is, and under `/moved` and `/silent` what sends elsewhere and what never answers */
export async function program(url: string, apiKey: string) {
  const client = createClient<typeof tasks>({ url, apiKey });
  const elsewhere = (path: string, timeoutMs = 60_000) => createClient({ url: `${url}/${path}`, timeoutMs });
  const task = await client.create({ type: "greet", task_data: { name: "Ada" } });
  const ended = await client.waitFor(task);
  const ids: number[] = [];
  for await (const { id } of client.list({ pageSize: 1 })) ids.push(id);
  const missing = await thrownBy(client.get(99));
  const moved = await thrownBy(elsewhere("moved").create({ type: "greet" }));
  const late = await thrownBy(elsewhere("silent", 50).stats());
  const controller = new AbortController();
  const aborted = thrownBy(elsewhere("silent").stats({ signal: controller.signal }));
  controller.abort("enough");
  const gone = await thrownBy(createClient({ url: "http://127.0.0.1:9", retries: 0 }).stats());
  return {
    ended: [ended.task_status, ended.result_data],
    ids,
    missing: missing instanceof TickworkApiError && missing.code,
    moved: moved instanceof TickworkApiError && /a redirect.*; url must be/.test(moved.message),
    late: late instanceof TickworkTimeoutError,
    aborted: await aborted,
    gone: gone instanceof TickworkNetworkError && gone.cause !== undefined,
  };
}
