/** What the functions that serve are made from: each file takes of it what its function needs. */
import type { Doorbell } from "./doorbell.ts";
import type { Handlers } from "./handlers.ts";
import type { Settings } from "./settings.ts";

export interface ServiceParts {
  handlers: Handlers;
  settings: Settings;
  /** Links to Postgres, and to Redis if there is one. */
  stores: sst.Linkable<Record<string, unknown>>[];
  doorbell: Doorbell;
  deadLetters: aws.sqs.Queue;
  /** The schema is what the code expects. */
  migrated: $util.Resource;
}
