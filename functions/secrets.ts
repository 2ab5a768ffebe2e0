import { Resource } from "sst";
import type { Secrets } from "#aws";

/**
 * What the deployment linked to the functions, encrypted. A function asks only for what it needs, and only on AWS;
 * reading a secret that is not linked to it throws.
 */
export const postgres: Secrets = () => ({ DATABASE_URL: Resource.TickworkDatabase.url });

export const redis: Secrets = ({ cacheEnabled }) =>
  cacheEnabled
    ? { CACHE_REDIS_URL: Resource.TickworkRedis.url, CACHE_REDIS_TOKEN: Resource.TickworkRedis.token }
    : {};

/** Of the handlers that ship; linked only where the app gives any of them. */
export const handlers: Secrets = (_, { TICKWORK_HANDLERS }) => {
  if (!TICKWORK_HANDLERS) return {};
  const { smtpUrl, webhookSecrets } = (Resource as unknown as HandlerLink).TickworkHandlers;
  return { SMTP_URL: smtpUrl, WEBHOOK_SECRETS: webhookSecrets };
};
type HandlerLink = { TickworkHandlers: Record<"smtpUrl" | "webhookSecrets", string> };

/** Empty where no type is encrypted. */
export const encryptionKeys: Secrets = () => ({
  TASK_ENCRYPTION_KEYS: Resource.TickworkEncryptionKeys.value,
});

export const apiKey: Secrets = () => ({ API_KEY: Resource.TickworkApiKey.value });
