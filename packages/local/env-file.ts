import { ConfigError } from "#core";

/**
 * Adds what is in `.env` to the environment, if it is there. What is set already stays.
 *
 * @throws ConfigError with one line when it cannot be read
 */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile(".env");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") throw new ConfigError(`.env must be a file that can be read (${message}).`);
  }
}
