/** Takes secrets out of what people read: logs, errors, and answers to callers who may not know them. */

/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

/** What always holds a secret, however it is written: Set-Cookie, client_secret, apiKey. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  "authorization",
  "proxyauthorization",
  "cookie",
  "setcookie",
  "xapikey",
  "apikey",
  "xauthtoken",
  "xamzsecuritytoken",
  "password",
  "passwd",
  "secret",
  "clientsecret",
  "privatekey",
  "accesstoken",
  "refreshtoken",
]);

/** Longer than any of them, with its signs between. */
const NAME_LENGTH = 32;

export const isSecretName = (name: string): boolean =>
  name.length <= NAME_LENGTH && SECRET_NAMES.has(name.toLowerCase().replaceAll(/[-_]/g, ""));

/** Each with a bound, so that no text takes longer than its length says. */
const SECRETS_IN_TEXT: readonly [RegExp, string][] = [
  [/\b(bearer|basic) +(?=[^\s\d]{0,512}\d)[\w.~+/=-]{12,4096}/gi, `$1 ${REDACTED}`],
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/?#]{0,256}):[^\s@/]{1,1024}@/gi, `$1:${REDACTED}@`],
  [/\btw_[\w-]{43}/g, `tw_${REDACTED}`],
];

/**
 * A text without credentials of HTTP, passwords in addresses, and API keys.
 *
 * @example redactText("no answer from postgres://app:hunter2@db"); // "no answer from postgres://app:[redacted]@db"
 */
export function redactText(text: string): string {
  return SECRETS_IN_TEXT.reduce((told, [secret, shown]) => told.replaceAll(secret, shown), text);
}

/**
 * JSON without what stands under the names of secrets: texts, and texts in lists, so that it keeps its shape. What has
 * none is returned as it is, and so is what has none inside.
 *
 * @example redactNames({ headers: { Authorization: "Bearer 1" } }); // { headers: { Authorization: "[redacted]" } }
 */
export function redactNames(value: unknown, isSecret = false): unknown {
  if (typeof value === "string") return isSecret ? REDACTED : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const told = value.map((one) => redactNames(one, isSecret));
    return told.some((one, n) => one !== value[n]) ? told : value;
  }
  let copy: Record<string, unknown> | undefined;
  for (const [name, inner] of Object.entries(value)) {
    const told = redactNames(inner, isSecretName(name));
    if (told === inner) continue;
    copy ??= { ...(value as Record<string, unknown>) };
    // As JSON.parse does it: `__proto__` is a name like any other.
    Object.defineProperty(copy, name, { value: told, enumerable: true, writable: true, configurable: true });
  }
  return copy ?? value;
}

/** The path of the first mark that stands in the place of a secret; undefined: there is none. */
export function findRedacted(value: unknown, path: readonly (string | number)[] = []): string | undefined {
  if (value === REDACTED) return path.join(".");
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const found = findRedacted(inner, [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}
