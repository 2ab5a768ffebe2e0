import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createScreen } from "../../packages/local/screen.ts";

function drawn(isTerminal: boolean, ...frames: string[][]): string {
  let written = "";
  const draw = createScreen(isTerminal, (text) => {
    written += text;
  });
  for (const lines of frames) draw(lines);
  return written;
}

test("a terminal is drawn over, and nothing stays of a line that went", () => {
  expect(drawn(true, ["one", "two"], ["three"])).toBe(
    "\u001b[2Kone\n\u001b[2Ktwo\n\u001b[2A\u001b[2Kthree\n\u001b[2K\n",
  );
});

test("elsewhere, a line is written when it has changed, but not for its countdown", () => {
  expect(drawn(false, ["1 in 3 s    ", "2 runs"], ["1 in 2 s    ", "2 done"])).toBe(
    "1 in 3 s    \n2 runs\n2 done\n",
  );
});

test("a line that is too long is cut, and its colour ends", () => {
  const long = `\u001b[31m${"x".repeat(500)}\u001b[39m`;
  const [, line = ""] = drawn(true, [long]).split("\u001b[2K");
  expect(line.trimEnd().length).toBeLessThan(500);
  expect(line).toBe(stripVTControlCharacters(line));
});
