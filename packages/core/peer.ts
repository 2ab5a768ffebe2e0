import { ConfigError } from "./errors.ts";

/**
 * What to do when a package that only some installations need cannot be imported. It is meant for `catch` right behind
 * the `import()`: bundlers then leave out what is not installed instead of failing.
 *
 * @param need the rest of a sentence about the package
 * @throws ConfigError with one line that says what to install; any other failure as it is
 * @example const { default: pg } = await import("pg").catch(missingPeer("pg", "is needed for DATABASE_URL"));
 */
export function missingPeer(name: string, need: string): (error: unknown) => never {
  return (error) => {
    const { code, message = "" } = error as { code?: unknown; message?: string };
    const absent = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    if (!absent || !message.includes(name)) throw error;
    throw new ConfigError(`The package ${name} ${need}, and is not installed; run: npm install ${name}`);
  };
}
