/** Charts of bars, as SVG: they take their colours from the page, and say in words what they show. */
export interface Bar {
  /** What stands on each other, from the ground up. */
  parts: { value: number; name: string }[];
  /** Said of the bar when it is pointed at. */
  title: string;
}

const WIDTH = 480;
const HEIGHT = 96;

export function Bars({
  bars,
  summary,
  left,
  right,
}: {
  bars: Bar[];
  summary: string;
  left: string;
  right: string;
}) {
  const most = Math.max(1, ...bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0)));
  const step = WIDTH / bars.length;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
        <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} class="ground" />
        {bars.map(({ parts, title }, n) => {
          let y = HEIGHT;
          return (
            <g key={title}>
              <title>{title}</title>
              <rect x={n * step} y="0" width={step} height={HEIGHT} class="hit" />
              {parts.map(({ value, name }) => {
                const height = value > 0 ? Math.max(2, (value / most) * (HEIGHT - 6)) : 0;
                y -= height;
                return (
                  <rect
                    key={name}
                    x={n * step + 1}
                    y={y}
                    width={step - 2}
                    height={height}
                    rx="1.5"
                    class={name}
                  />
                );
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span>{left}</span>
        <span class="summary">{summary}</span>
        <span>{right}</span>
      </figcaption>
    </figure>
  );
}
