import type { ChalkInstance } from 'chalk';

/** Line of a chart; x ascending, y from 0 to 1. */
interface ChartSeries {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface ChartOptions {
  readonly width: number;
  readonly height: number;
  readonly unicode: boolean;
  readonly chalk: ChalkInstance;
  /** x of a vertical rule (null: absent), and a mark below the axis. */
  readonly rule: number | null;
  readonly mark: { readonly x: number; readonly label: string } | null;
  /** Dropped without room. */
  readonly ticks: readonly { readonly x: number; readonly label: string }[];
}

const MARKERS = { unicode: ['●', '○', '◆', '◇', '■', '□', '▲', '△', '★', '☆'], ascii: ['o', 'x', '*', '+', '#', '@', '%', '&', '$', '='] };
const PAINTS = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red', 'white', 'gray'] as const;
const AXIS = 7;

/** Painted marker of series `index`. */
export function markerOf(index: number, { unicode, chalk }: Pick<ChartOptions, 'unicode' | 'chalk'>): string {
  const markers = unicode ? MARKERS.unicode : MARKERS.ascii;
  return chalk[PAINTS[index % PAINTS.length]!](markers[index % markers.length]!);
}

/** Draws a chart without final newline; the first series covers later series. */
export function drawChart(series: readonly ChartSeries[], options: ChartOptions): string {
  const { height, unicode, chalk } = options;
  const columns = options.width - AXIS;
  const low = Math.min(...series.map(({ x }) => x[0]!));
  const high = Math.max(...series.map(({ x }) => x.at(-1)!));
  const columnOf = (x: number): number => (high === low ? 0 : Math.round(((x - low) / (high - low)) * (columns - 1)));
  const rowOf = (y: number): number => Math.round((1 - y) * (height - 1));
  const grid = Array.from({ length: height }, () => new Array<string>(columns).fill(' '));
  if (options.rule !== null && options.rule >= low && options.rule <= high) {
    for (const row of grid) row[columnOf(options.rule)] = chalk.dim(unicode ? '┊' : ':');
  }
  const dot = unicode ? '·' : '.';
  for (let index = series.length - 1; index >= 0; index--) {
    const { x, y } = series[index]!;
    const paint = chalk[PAINTS[index % PAINTS.length]!];
    for (let i = 0; i + 1 < x.length; i++) {
      const [from, to] = [columnOf(x[i]!), columnOf(x[i + 1]!)];
      for (let column = from + 1; column < to; column++) {
        const between = y[i]! + ((y[i + 1]! - y[i]!) * (column - from)) / (to - from);
        grid[rowOf(between)]![column] = paint(dot);
      }
    }
  }
  for (let index = series.length - 1; index >= 0; index--) {
    const { x, y } = series[index]!;
    for (let i = 0; i < x.length; i++) grid[rowOf(y[i]!)]![columnOf(x[i]!)] = markerOf(index, options);
  }
  const [tick, bar, corner, line] = unicode ? ['┤', '│', '└', '─'] : ['+', '|', '+', '-'];
  const lines = grid.map((row, r) => {
    const y = 1 - r / (height - 1);
    const labelled = r % 4 === 0 || r === height - 1;
    const label = labelled ? `${Math.round(y * 100)} %`.padStart(AXIS - 2) : ' '.repeat(AXIS - 2);
    return `${chalk.dim(`${label} ${labelled ? tick : bar}`)}${row.join('')}`.trimEnd();
  });
  lines.push(chalk.dim(' '.repeat(AXIS - 1) + corner + line!.repeat(columns)));
  lines.push(chalk.dim(axisLabels(columns, columnOf, options)));
  if (options.mark !== null) {
    const { x, label } = options.mark;
    const at = columnOf(x);
    const arrow = unicode ? '▲' : '^';
    const text = at + label.length + 2 <= columns ? `${' '.repeat(at)}${arrow} ${label}` : `${`${label} `.padStart(at)}${arrow}`;
    lines.push(' '.repeat(AXIS) + text);
  }
  return lines.join('\n');
}

function axisLabels(columns: number, columnOf: (x: number) => number, { ticks }: ChartOptions): string {
  const cells = new Array<string>(AXIS + columns).fill(' ');
  for (const { x, label } of ticks) {
    const start = Math.min(Math.max(AXIS, AXIS + columnOf(x) - (label.length >> 1)), AXIS + columns - label.length);
    const free = cells.slice(Math.max(0, start - 1), start + label.length + 1).every((cell) => cell === ' ');
    if (free) cells.splice(start, label.length, ...label);
  }
  return cells.join('').trimEnd();
}
