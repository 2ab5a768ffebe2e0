/**
 * API keys. A key is 256 random bits, so no dictionary has it, and a plain SHA-256 of it is enough to store: what makes
 * passwords slow to guess would only make each call slow.
 */
import { createHash, randomBytes } from "node:crypto";

/**
 * What a key may do, each apart from the others: `read` what there is, `write` tasks, and as `admin` look after the
 * whole: flags, keys, the audit log, what tasks keep secret.
 */
export const SCOPES = ["read", "write", "admin"] as const;

/** What a key may do; see `docs/security.md`. */
export type Scope = (typeof SCOPES)[number];

/** An API key as it is listed: what it is itself is known only to who made it. */
export interface ApiKey {
  /** Opaque. */
  id: number;
  /** What it is for. Tasks that it creates or changes have it as their user, unless the caller names one. */
  name: string;
  scopes: Scope[];
  /** ISO 8601, UTC, as all times. */
  created_at: string;
  /** From then on it is refused; null: never. */
  expires_at: string | null;
  /** When it was last used, to an hour; null: never. */
  used_at: string | null;
}

/** A key that is to be made. */
export interface NewApiKey {
  /** 1 to 255 characters. */
  name: string;
  scopes: Scope[];
  /** ISO 8601 with a zone, in the future. Absent or null: it does not expire. */
  expires_at?: string | null | undefined;
}

/** A key when it is made, the only time that it is shown. */
export interface MadeApiKey extends ApiKey {
  /** What callers send as `Authorization: Bearer …`. */
  key: string;
}

/** Whose key it is that a caller sent, and what it may do. */
export interface Identity {
  /** Of the key; `API_KEY` is that of the environment. */
  name: string;
  scopes: Scope[];
  /** When the key ends, or the session that began with it; null: never. */
  expires_at: string | null;
}

/** Who calls: the key that a request came with, or that its session began with. */
export interface Caller {
  /** Undefined: the key of the environment. */
  keyId: number | undefined;
  keyName: string;
  scopes: readonly Scope[];
  expiresAtMs: number | undefined;
  /** Kept in `userCreated_Id` and `userUpdated_Id` when the caller names nobody; undefined where the columns take no names. */
  userId: string | undefined;
}

/** What the audit log has. */
export const AUDIT_ACTIONS = [
  "key_created",
  "key_deleted",
  "running_set",
  "running_released",
  "refreshed",
  "stuck_reset",
  "task_deleted",
  "paused",
  "resumed",
  "schedule_changed",
  "schedule_deleted",
  "limit_set",
  "limit_removed",
  "bulk_asked",
] as const;
/** Something that is noted in the audit log. */
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** The author of a change, as the audit log has it. */
export interface Actor {
  /** Undefined: the key of the environment. */
  keyId: number | undefined;
  keyName: string;
  /** As the caller says: `Tickwork-User`. */
  userId: string | undefined;
}

/** Something that was changed. */
export interface AuditEntry {
  id: number;
  /** ISO 8601, UTC. */
  at: string;
  action: AuditAction;
  /** What was changed: the id of a task or of a key, with its name; null: the whole. */
  subject: string | null;
  /** Null: the key of the environment. */
  key_id: number | null;
  key_name: string;
  /** As the caller said; null: nothing. */
  user_id: string | null;
}

/** The name of the key of the environment. */
export const ENVIRONMENT_KEY = "API_KEY";

/** Characters below which a key may be guessed; `openssl rand -hex 16` gives 32. */
export const SHORT_KEY = 20;

const BYTES = 32;
const FORM = /^tw_[\w-]{43}$/;

/** Whether it looks like a key that was made here; nothing has to be asked about anything else. */
export const isMadeKey = (text: string): boolean => FORM.test(text);

export const makeKey = (random: (bytes: number) => Buffer = randomBytes): string =>
  `tw_${random(BYTES).toString("base64url")}`;

export const digestOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();
