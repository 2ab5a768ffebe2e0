/** What the process that watches and the one that serves tell each other. */
import type { Server } from "../../local/server.ts";

export type FromServer =
  | { event: "loaded"; files: string[] }
  | { event: "failed"; message: string; files: string[] }
  | { event: "serving"; server: Omit<Server, "close">; types: string[] };

export type ToServer = "serve" | "stop";
