/** The results as a drawing, which reads on light and on dark pages. */
import { CONTENDERS, type Contender } from "./contenders.ts";
import { medianOf, type Results } from "./results.ts";
import { rounded } from "./table.ts";

interface Panel {
  title: string;
  /** The sum of these columns. */
  columns: string[];
}

const PANELS: readonly Panel[] = [
  { title: "tasks a second", columns: ["drain.perSecond"] },
  { title: "ms late, median", columns: ["later.p50"] },
  { title: "requests in an idle hour", columns: ["idle.postgres", "idle.redis"] },
];

const NAMES_WIDTH = 170;
const PANEL_WIDTH = 200;
const BAR_WIDTH = 120;
const ROW_HEIGHT = 24;
const HEAD_HEIGHT = 34;
/** Scales are logarithmic, since the numbers are that far apart. What is nothing has no bar. */
const SHORTEST = 3;

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function sumOf(results: Results, contender: Contender, { columns }: Panel): number | undefined {
  const values = columns.map(
    (column) => contender.stated?.[column] ?? medianOf(results, contender.key, column),
  );
  return values.some((value) => value === undefined)
    ? undefined
    : values.reduce<number>((sum, value = 0) => sum + value, 0);
}

/** From the least to the most that is drawn: the shortest bar to the whole width. */
function scaleOf(values: readonly number[]): (value: number) => number {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const [least, most] = [Math.min(...logs), Math.max(...logs)];
  return (value) =>
    value <= 0
      ? 0
      : SHORTEST +
        (BAR_WIDTH - SHORTEST) * (most === least ? 1 : (Math.log10(value) - least) / (most - least));
}

export function chart(results: Results): string {
  const shown = CONTENDERS.filter(({ key }) => results.cells.some(({ contender }) => contender === key));
  const width = NAMES_WIDTH + PANELS.length * PANEL_WIDTH;
  const height = HEAD_HEIGHT + (shown.length + 1) * ROW_HEIGHT;
  const middleOf = (row: number) => HEAD_HEIGHT + row * ROW_HEIGHT + ROW_HEIGHT / 2;
  const names = shown.map(
    ({ title, name }, row) =>
      `<text class="${name === "tickwork" ? "own" : "name"}" x="0" y="${middleOf(row)}">${escaped(title)}</text>`,
  );
  const panels = PANELS.map((panel, index) => {
    const left = NAMES_WIDTH + index * PANEL_WIDTH;
    const values = shown.map((contender) => sumOf(results, contender, panel));
    const scale = scaleOf(values.filter((value) => value !== undefined));
    const bars = values.map((value, row) => {
      if (value === undefined) return "";
      const length = scale(value);
      const kind = shown[row]?.name === "tickwork" ? "own-bar" : "bar";
      return (
        `<rect class="${kind}" x="${left}" y="${middleOf(row) - 7}" width="${length.toFixed(1)}" height="14" rx="2"/>` +
        `<text class="value" x="${(left + length + 6).toFixed(1)}" y="${middleOf(row)}">${rounded(value)}</text>`
      );
    });
    return `<text class="head" x="${left}" y="14">${escaped(panel.title)}</text>\n${bars.join("\n")}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Tickwork beside other task queues; bars are logarithmic">
<style>
text { font: 13px system-ui, sans-serif; dominant-baseline: central; fill: #1f2328; }
.head, .own { font-weight: 600; }
.value, .note { font-size: 12px; }
.bar { fill: #9aa4b2; }
.own-bar { fill: #2f81f7; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .bar { fill: #6e7681; } }
</style>
${[...names, ...panels].join("\n")}
<text class="note" x="0" y="${middleOf(shown.length)}">The length of a bar is logarithmic.</text>
</svg>
`;
}
