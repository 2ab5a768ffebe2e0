/** A refresh of the cache in Redis: what differs from what Postgres says is written, and what is not there is removed. */
import { COMPARE_PAGE } from "../limits.ts";
import type { Window } from "../store/window.ts";
import type { Standing } from "../tasks/standing.ts";
import { MARKER } from "./scripts/keys.ts";
import type { COMPARE } from "./scripts/refresh.ts";

type Page = ReturnType<typeof COMPARE.decode>;
type Kind = keyof Page["sets"];

/** Where the cache has a task. */
interface Cached {
  kind: Kind;
  atMs: number;
  rev: number;
  /** Of the write that put it there; 0 if its rev is lost. */
  sequence: number;
  hasRow: boolean;
  /** It is in two sets, or not in the one that its rev names. */
  isMisplaced: boolean;
}

/** What the cache has. */
export interface Contents {
  tasks: ReadonlyMap<number, Cached>;
  /** It knew where its window ends. */
  marked: boolean;
}

/** Reads all that is cached, a page at a time. */
export async function readContents(read: (from: number) => Promise<Page>): Promise<Contents> {
  const tasks = new Map<number, Cached>();
  let marked = false;
  for (let from = 0, more = true; more; from += COMPARE_PAGE) {
    const { sets, hasRows } = await read(from);
    more = false;
    for (const kind of ["waiting", "foreign", "running"] as const) {
      const [scored, revs] = sets[kind];
      more ||= revs.length === COMPARE_PAGE;
      for (const [n, known] of revs.entries()) {
        const member = scored[2 * n] ?? "";
        const id = Number(member);
        if (member.startsWith(MARKER)) marked = true;
        else {
          const [rev = "", sequence = "", stands = ""] = (known ?? "").split(":");
          const before = tasks.get(id);
          tasks.set(id, {
            kind,
            atMs: Number(scored[2 * n + 1]),
            rev: Number(rev),
            sequence: Number(sequence),
            hasRow: hasRows && stands.endsWith("+"),
            isMisplaced: (before ?? { kind }).kind !== kind || (stands !== "" && !stands.startsWith(kind)),
          });
        }
      }
    }
  }
  return { tasks, marked };
}

/** What to write, and what to remove before. */
export function differences({ writes }: Window, { tasks }: Contents, since: number) {
  const read = new Set(writes.map(({ id }) => id));
  const absent: number[] = [];
  for (const [id, { sequence, isMisplaced }] of tasks)
    if ((!read.has(id) || isMisplaced) && sequence <= since) absent.push(id);
  return { absent, changed: writes.filter((standing) => differs(standing, tasks.get(standing.id))) };
}

function differs(standing: Standing, cached: Cached | undefined): boolean {
  if (!cached || cached.isMisplaced || standing.kind === "gone" || standing.kind === "missing") return true;
  if (standing.kind === "laned") return cached.kind !== "waiting" || cached.atMs > standing.atMs;
  // What is newer there stays; a rev that is lost is written again.
  if (cached.rev !== standing.rev) return !(cached.rev > standing.rev);
  const { kind, atMs } = standing;
  const lacksRow = kind !== "running" && standing.task !== undefined && !cached.hasRow;
  return cached.kind !== kind || cached.atMs !== atMs || lacksRow;
}
