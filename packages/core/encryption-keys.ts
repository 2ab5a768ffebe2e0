/** The keys that types with `encrypt` are encrypted with, as users write them. */
import { ConfigError, mustBe } from "./errors.ts";

/** One of `TASK_ENCRYPTION_KEYS`. */
export interface EncryptionKey {
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

export const ENCRYPTION_KEYS_ACCEPTED = "like 2026a:<32 bytes in base64>, with commas between them";

/**
 * Keys of AES-256, each with an id.
 *
 * @throws ConfigError with one line, which begins with `name` and has nothing of the keys
 */
export function encryptionKeysOf(name: string, given: string): EncryptionKey[] {
  const keys = given
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one): EncryptionKey => {
      const [, id = "", encoded = ""] = /^([\w-]{1,32}):([A-Za-z0-9+/]{43}=)$/.exec(one) ?? [];
      // What cannot be read may be a key: it is not repeated.
      if (id === "")
        throw new ConfigError(`${name} must be keys ${ENCRYPTION_KEYS_ACCEPTED}, got something else.`);
      return { id, key: Buffer.from(encoded, "base64") };
    });
  const twice = keys.find(({ id }, n) => keys.findIndex((other) => other.id === id) !== n);
  if (twice) throw new ConfigError(`${name} ${mustBe("keys of different ids", twice.id)}, twice.`);
  return keys;
}
