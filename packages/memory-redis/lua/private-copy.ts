import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";

const require = createRequire(import.meta.url);

/**
 * Lets `load` require the files of a CommonJS package anew, as a copy nobody else in the process has or
 * will get: what it changes in there stays in there. It is synchronous, so nobody can look in between.
 */
export function withPrivateCopy<T>(packageName: string, load: (require: (file: string) => unknown) => T): T {
  const folder = dirname(require.resolve(packageName)) + sep;
  const cached = () => Object.entries(require.cache).filter(([file]) => file.startsWith(folder));
  const forget = () => {
    for (const [file] of cached()) delete require.cache[file];
  };

  const shared = cached();
  forget();
  try {
    return load((file) => require(join(folder, file)));
  } finally {
    forget();
    for (const [file, module] of shared) require.cache[file] = module;
  }
}
