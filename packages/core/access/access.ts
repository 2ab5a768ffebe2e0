/** Who may call, and what. */
import { timingSafeEqual } from "node:crypto";
import {
  type Actor,
  type ApiKey,
  type AuditAction,
  type AuditEntry,
  type Caller,
  digestOf,
  ENVIRONMENT_KEY,
  isMadeKey,
  type MadeApiKey,
  makeKey,
  type NewApiKey,
  SCOPES,
} from "../api-key.ts";
import { messageOf, mustBe, refusal, TickworkError } from "../errors.ts";
import { KEY_USED_STEP_MS, KEYS_LIMIT } from "../limits.ts";
import { listAudit, noteAction } from "../store/audit.ts";
import { allKeys, createKey, deleteKey, noteKeyUsed, type StoredKey } from "../store/keys.ts";
import { checked } from "../tasks/accepts.ts";
import { parseTime } from "../tasks/time.ts";
import { createKnownKeys, type KnownKeysDeps } from "./known-keys.ts";
import { NewApiKeySchema } from "./new-key.ts";
import { createSessions, type Session } from "./sessions.ts";

export interface AccessDeps extends KnownKeysDeps {
  /** The key of the environment. */
  apiKey: string;
}

/** Keys, sessions and the audit log. */
export interface Access {
  /**
   * The caller whose key this is. The key of the environment is known without a lookup.
   *
   * @throws TickworkError `key_wrong` or `key_expired`
   */
  callerOf(key: string): Promise<Caller>;
  /** Begins a session with a key. @throws TickworkError `key_wrong` or `key_expired` */
  signIn(key: string): Promise<{ session: Session; caller: Caller }>;
  /** Who began the session that this token is of. @throws TickworkError `session_ended` */
  callerIn(token: string): Promise<{ caller: Caller; expiresAtMs: number }>;
  /** Notes that a key was used, once an hour. Never throws. */
  noteUse(caller: Caller): Promise<void>;
  /** @throws TickworkError `invalid_request` or `too_many_keys` */
  createKey(given: NewApiKey, actor: Actor): Promise<MadeApiKey>;
  keys(): Promise<ApiKey[]>;
  /** @throws TickworkError `key_not_found` */
  deleteKey(id: number, actor: Actor): Promise<void>;
  /** Notes what was done, in Postgres or, where that fails, in the log. Never throws. */
  note(action: AuditAction, subject: string | undefined, actor: Actor): Promise<void>;
  audit(page: { beforeId: number | undefined; limit: number }): Promise<AuditEntry[]>;
}

export function createAccess(deps: AccessDeps): Access {
  const { database, clock, log, apiKey } = deps;
  const known = createKnownKeys(deps);
  const sessions = createSessions(apiKey, clock);
  const environmentDigest = digestOf(apiKey);
  const environment: Caller = {
    keyId: undefined,
    keyName: ENVIRONMENT_KEY,
    scopes: SCOPES,
    expiresAtMs: undefined,
    userId: undefined,
  };
  /** When the use of a key was noted by this process. */
  const noted = new Map<number, number>();

  /** @throws TickworkError `key_expired` */
  const callerWith = (key: StoredKey): Caller => {
    const expiresAtMs = key.expires_at === null ? undefined : Date.parse(key.expires_at);
    if (expiresAtMs !== undefined && expiresAtMs <= clock.now())
      throw new TickworkError("key_expired", `The key has expired, at ${key.expires_at}; use a new one.`);
    const usedMs = key.used_at === null ? 0 : Date.parse(key.used_at);
    noted.set(key.id, Math.max(noted.get(key.id) ?? 0, usedMs));
    return {
      keyId: key.id,
      keyName: key.name,
      scopes: key.scopes,
      expiresAtMs,
      userId: key.user ?? undefined,
    };
  };

  const access: Access = {
    async callerOf(given) {
      if (timingSafeEqual(digestOf(given), environmentDigest)) return environment;
      const key = isMadeKey(given) ? await known.find(given) : undefined;
      if (!key)
        throw new TickworkError(
          "key_wrong",
          "The key is wrong; send the header Authorization: Bearer <API key>.",
        );
      return callerWith(key);
    },

    async signIn(key) {
      const caller = await access.callerOf(key);
      return { session: await sessions.begin(caller), caller };
    },

    async callerIn(token) {
      const { keyId, expiresAtMs } = await sessions.read(token);
      if (keyId === undefined) return { caller: environment, expiresAtMs };
      const key = await known.findById(keyId);
      if (!key)
        throw new TickworkError("session_ended", "The key of this session was withdrawn; sign in again.");
      return { caller: callerWith(key), expiresAtMs };
    },

    async noteUse({ keyId }) {
      if (keyId === undefined || clock.now() - (noted.get(keyId) ?? 0) < KEY_USED_STEP_MS) return;
      noted.set(keyId, clock.now());
      try {
        await noteKeyUsed(database, keyId);
      } catch (error) {
        log.warn("that a key was used could not be noted", { keyId, error: messageOf(error) });
      }
    },

    async createKey(given, actor) {
      const output = checked(NewApiKeySchema, given);
      const endsMs = output.expires_at && Date.parse(parseTime(output.expires_at) ?? "");
      if (endsMs && endsMs <= clock.now())
        throw refusal("expires_at", mustBe("a time in the future", output.expires_at));
      const key = makeKey();
      const hash = digestOf(key).toString("hex");
      const made = await known.changing(() => createKey(database, output, hash, actor));
      if (!made)
        throw new TickworkError(
          "too_many_keys",
          `There may be ${KEYS_LIMIT} keys, and there are; delete those that have expired or are not used.`,
        );
      return { ...shown(made), key };
    },

    keys: async () => (await allKeys(database)).map(shown),

    async deleteKey(id, actor) {
      if (!(await known.changing(() => deleteKey(database, id, actor)))) throw keyNotFound(id);
    },

    async note(action, subject, actor) {
      try {
        await noteAction(database, action, subject, actor);
      } catch (error) {
        log.error("an action could not be noted in the audit log", {
          action,
          subject,
          ...actor,
          error: messageOf(error),
        });
      }
    },

    audit: (page) => listAudit(database, page),
  };
  return access;
}

export const keyNotFound = (id: unknown): TickworkError =>
  new TickworkError("key_not_found", `There is no key ${id}.`);

function shown({ id, name, scopes, created_at, expires_at, used_at }: StoredKey): ApiKey {
  return { id, name, scopes, created_at, expires_at, used_at };
}
