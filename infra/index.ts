/** `tickwork/sst`: Tickwork as part of an SST app. */
import { deploy } from "./component.ts";
import type { TickworkNodes, TickworkOptions } from "./options.ts";

export type {
  DatabaseAddress,
  RedisAddress,
  TickOptions,
  TickworkNodes,
  TickworkOptions,
} from "./options.ts";

/** Where the package has the functions' code; SST bundles it together with the app's tasks. */
const FUNCTIONS = "dist/functions";

/**
 * Adds Tickwork to an app; call it once. Settings such as `TASK_CONCURRENCY` come from the deployer's environment.
 *
 * @throws ConfigError with one line when a setting is invalid
 *
 * @example
 * const { tickwork } = await import("tickwork/sst");
 * const { api, apiKey } = tickwork({ tasks: "src/tasks.ts" });
 */
export function tickwork(options: TickworkOptions): TickworkNodes {
  return deploy(options, FUNCTIONS);
}
