import { Resource } from "sst";
import type { Secrets } from "#aws";

/** What the deployment linked to a function, encrypted, and only on AWS. To read what is not linked throws. */
export const postgres: Secrets = () => ({ DATABASE_URL: Resource.TickworkDatabase.url });

export const redis: Secrets = ({ cacheEnabled }) =>
  cacheEnabled
    ? { CACHE_REDIS_URL: Resource.TickworkRedis.url, CACHE_REDIS_TOKEN: Resource.TickworkRedis.token }
    : {};

/** Of the handlers that ship; linked only where the app gives any of them. */
export const handlers: Secrets = (_, { TICKWORK_HANDLERS }) => {
  if (!TICKWORK_HANDLERS) return {};
  const { TickworkHandlers: given } = Resource as unknown as Record<string, Record<string, string>>;
  return { SMTP_URL: given?.smtpUrl, WEBHOOK_SECRETS: given?.webhookSecrets };
};

/** Empty where no type is encrypted. */
export const encryptionKeys: Secrets = () => ({
  TASK_ENCRYPTION_KEYS: Resource.TickworkEncryptionKeys.value,
});

export const apiKey: Secrets = () => ({ API_KEY: Resource.TickworkApiKey.value });
