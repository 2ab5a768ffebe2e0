/** The server: whether one answers, takes the key, and is well. */
import { type Client, type Task, TickworkNetworkError } from "#client";
import type { Health } from "#core";
import { OVERDUE_MS } from "../../core/limits.ts";
import { clientOf, type ServerFlags, type Target, unanswered } from "../server.ts";
import { type Finding, failed, note, ok, problem } from "./finding.ts";
import { checkKeys } from "./keys.ts";
import { checkStuck } from "./tasks.ts";

export interface CheckedServer {
  findings: Finding[];
  /** Whether it answers. */
  isThere: boolean;
}

/** @param looks whether its tasks are to be asked of it, since its Postgres can be asked by nobody else */
export async function checkServer(flags: ServerFlags, looks: boolean): Promise<CheckedServer> {
  try {
    const { client, target } = clientOf(flags);
    const health = await healthOf(client, target);
    if (!("healthy" in health)) return { findings: [health], isThere: false };
    return {
      findings: [checkHealth(health, target), ...(await checkApi(client, target, looks))],
      isThere: true,
    };
  } catch (error) {
    return { findings: [failed("server", error)], isThere: false };
  }
}

async function healthOf(client: Client, target: Target): Promise<Health | Finding> {
  try {
    return await client.health();
  } catch (error) {
    if (!(error instanceof TickworkNetworkError)) return failed("server", error);
    const finding = failed("server", unanswered(target, error));
    // Where nobody said that there is one, there may be none.
    return target.named ? finding : { ...finding, level: "note" };
  }
}

function checkHealth({ healthy, stats }: Health, { url }: Target): Finding {
  if (healthy) return ok("server", `${url} is well`);
  return problem(
    "server",
    `${url} is not well: ${stats.error ?? "it does not say why"}`,
    "look at what is said of Postgres and Redis here, and into its log",
  );
}

async function checkApi(client: Client, target: Target, looks: boolean): Promise<Finding[]> {
  if (target.apiKey === undefined)
    return [
      note("api key", "there is none here, so no tasks can be asked for", "set API_KEY, or give --api-key"),
    ];
  try {
    const keys = await checkKeys(client, target);
    const { waitingForCode = 0 } = await client.stats();
    const running = looks ? await client.listPage({ status: "Running", limit: 200 }) : undefined;
    return [
      ...keys,
      ...(running ? [checkStuck({ stuck: running.tasks.filter(isStuck).map(stuckOf), foreign: 0 })] : []),
      ...(waitingForCode > 0
        ? [
            problem(
              "waiting tasks",
              `${waitingForCode} are due and of types or versions that this server does not run`,
              "see `npx tickwork list --waiting-for-code`; export these types from your tasks file, or `foreignTask` where another program runs them",
            ),
          ]
        : []),
    ];
  } catch (error) {
    return [{ ...failed("api key", error), mend: "give the right one with --api-key or API_KEY" }];
  }
}

const isStuck = ({ lease_expires_at }: Task) =>
  lease_expires_at !== null && Date.parse(lease_expires_at) < Date.now() - OVERDUE_MS;
const stuckOf = ({ id, type, lease_expires_at }: Task) => ({ id, type, since: lease_expires_at ?? "" });
