/** What a public entry exports, with the docstrings. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PACKAGES = join(import.meta.dirname, "../../packages");

export interface PublicName {
  name: string;
  /** Whether it is only a type. */
  isType: boolean;
  /** Whether users call it: a function or a class. */
  isCallable: boolean;
  /** Without the comment signs; undefined if there is none. */
  docstring: string | undefined;
  /** From its docstring and from those of its members. */
  examples: string[];
}

/** @param room whose `index.ts` it is */
export function readEntry(room = "core"): PublicName[] {
  const entry = join(PACKAGES, room, "index.ts");
  const exported = readFileSync(entry, "utf8").matchAll(/^export (type )?\{([^}]*)\} from "([^"]+)";/gm);
  return [...exported].flatMap(([, allTypes, list = "", file = ""]) => {
    const source = readFileSync(join(dirname(entry), file), "utf8");
    return list
      .split(",")
      .map((entry) => entry.trim())
      .filter(Boolean)
      .map((entry) => {
        const name = entry.replace(/^type /, "");
        return { ...declarationOf(source, name, file), name, isType: Boolean(allTypes) || entry !== name };
      });
  });
}

function declarationOf(source: string, name: string, file: string) {
  const head = new RegExp(`^export (async )?(const|function|class|interface|type) ${name}\\b.*$`, "m").exec(
    source,
  );
  if (!head) throw new Error(`${file} does not declare ${name}`);
  const [line, , kind = ""] = head;
  const before = source.slice(0, head.index);
  const comment = before.endsWith("*/\n") ? before.slice(before.lastIndexOf("/**")) : "";
  const after = source.slice(head.index + line.length);
  // What has members ends with a line that is not indented; a type without braces, with a line that ends it.
  const members = line.endsWith(";")
    ? ""
    : after.slice(0, after.search(kind === "type" ? /;$/m : /^[}\])]/m));
  return {
    isCallable: kind === "function" || kind === "class",
    docstring: docstringsIn(comment)[0],
    examples: docstringsIn(comment + members).flatMap(examplesIn),
  };
}

/** The texts of comments, without the signs. */
function docstringsIn(source: string): string[] {
  return [...source.matchAll(/\/\*\*(.*?)\*\//gs)].map(([, text = ""]) =>
    text.replaceAll(/^ *\* ?/gm, "").trim(),
  );
}

function examplesIn(docstring: string): string[] {
  const [, ...blocks] = docstring.split(/@example\s/);
  return blocks.map((block) => block.replace(/\s@\w+ .*/s, "").trim());
}
