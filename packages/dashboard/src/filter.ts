import type { TaskStatus } from "#client";

/** Which tasks a list shows. */
export interface Filter {
  status?: TaskStatus | undefined;
  type?: string | undefined;
  text?: string | undefined;
}
