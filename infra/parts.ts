/** What the serving functions are built from; each file takes what its function needs. */
import type { Doorbell } from "./doorbell.ts";
import type { Handlers } from "./handlers.ts";
import type { Network } from "./lambda.ts";
import type { certificates, handlerLink } from "./secrets.ts";
import type { Settings } from "./settings.ts";

export interface ServiceParts {
  handlers: Handlers;
  settings: Settings;
  /** Where all functions are, unless the app says otherwise of tick. */
  vpc: Network;
  /** The links to Postgres and, if there is one, to Redis; and to what encrypts the data in them. */
  stores: sst.Linkable<Record<string, unknown>>[];
  /** What the handlers that ship keep secret, linked to tick alone. */
  handlerSecrets: ReturnType<typeof handlerLink>;
  certificates: ReturnType<typeof certificates>;
  doorbell: Doorbell;
  deadLetters: aws.sqs.Queue;
  /** Complete once the schema is what the code expects. */
  migrated: $util.Resource;
}
