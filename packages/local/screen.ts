/** ANSI: so many lines up, and the whole line erased. */
const UP = (lines: number) => (lines > 0 ? `\u001b[${lines}A` : "");
const ERASED = "\u001b[2K";

/** Without the countdown, which changes every second. */
const stateOf = (text: string) => text.replace(/in \d+ s +/, "waits ");

/**
 * Draws lines over the last ones in a terminal; elsewhere writes those that have changed, each as a line of its own.
 *
 * @example
 * const draw = createScreen(process.stdout.isTTY ?? false);
 * draw(["1 of 2", "waits"]);
 */
export function createScreen(
  isTerminal: boolean,
  write: (text: string) => void = (text) => void process.stdout.write(text),
): (lines: readonly string[]) => void {
  let drawn: readonly string[] = [];
  return (lines) => {
    if (isTerminal) {
      // One that became shorter leaves nothing behind.
      const all = [...lines, ...drawn.slice(lines.length).map(() => "")];
      write(UP(drawn.length) + all.map((text) => `${ERASED}${cut(text)}\n`).join(""));
      drawn = all;
      return;
    }
    const known = new Set(drawn.map(stateOf));
    for (const text of lines) if (!known.has(stateOf(text))) write(`${text}\n`);
    drawn = lines;
  };
}

/** A line that wraps would be two. */
const cut = (text: string) => text.slice(0, (process.stdout.columns || 80) - 1);
