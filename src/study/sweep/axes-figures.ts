import { UserError } from '../../base/errors.js';
import { groupedBy } from '../../base/objects.js';
import { figureOf, type PaperFigure, type RunRow, readingOf, rowValue } from '../../figure/door.js';
import type { MetricName } from '../../result/metrics.js';
import { RATE_PATH } from './sweep.js';

/** Most metrics, panels side by side, and figures; ours. */
const METRICS_DRAWN = 4;
const PANELS = 3;
const FIGURES = 12;

/** Default metrics, and defaults with arrival rates. */
const TELLING: readonly MetricName[][] = [['speed.decode', 'speed.prefill'], ['cache.hit_rate']];
const TELLING_OF_RATES: typeof TELLING = [['goodput.tokens', 'throughput.generated', 'throughput.total'], ['latency.ttft.p50']];

/** Figures of runs: x is the first numeric axis, then series, then panels; else rankings. @throws UserError */
export function axesFigures(rows: readonly RunRow[], axes: readonly string[], metrics: readonly string[]): PaperFigure[] {
  const done = rows.filter(({ status }) => status === 'done');
  const { facet, others, series, x } = layoutOf(done, axes);
  const has = (name: string): boolean => done.some((row) => row.metrics[name] !== undefined);
  const telling = (x === RATE_PATH ? TELLING_OF_RATES : TELLING).flatMap((names) => names.find(has) ?? []);
  const shown = (metrics.length > 0 ? metrics : telling).filter(has).slice(0, METRICS_DRAWN);
  if (shown.length === 0) throw new UserError(`no run has ${metrics.join(', ')}, which a figure would show; name other metrics`);
  const ranking = x === null;
  const question = { kind: ranking ? 'rank' : 'line', x: x ?? others.join(','), statistic: 'median', series, facet } as const;
  const nameOf = (row: RunRow): string => others.map((path) => `${path.split('.').at(-1)} ${String(rowValue(row, path) ?? '')}`).join(', ');
  const groups = ranking ? new Map([['', done]]) : groupedBy(done, nameOf);
  const figures = [...groups].flatMap(([name, members]) =>
    shown
      .filter((metric) => members.some((row) => row.metrics[metric] !== undefined))
      .map((metric): PaperFigure => {
        const figure = figureOf(members, { ...question, y: metric });
        return name === '' ? figure : { ...figure, title: name };
      }),
  );
  const kept = figures.slice(0, FIGURES);
  if (figures.length <= FIGURES) return kept;
  const note = `The first ${FIGURES} of ${figures.length} figures; moeprof plot draws any other`;
  return kept.map((figure, at) => (at === FIGURES - 1 ? { ...figure, note } : figure));
}

/** Role of each path; without numeric axes, x is null. */
function layoutOf(rows: readonly RunRow[], axes: readonly string[]) {
  const valuesOf = (path: string) => [...new Set(rows.map((row) => rowValue(row, path) ?? ''))];
  const varying = axes.filter((path) => path !== 'seed' && valuesOf(path).length > 1);
  const free = independent(rows, varying);
  const numbers = free.filter((path) => readingOf(valuesOf(path)) !== null);
  const x = numbers.find((path) => path === RATE_PATH) ?? numbers[0] ?? null;
  if (x === null) return { x, series: null, facet: null, others: free.length > 0 ? free : axes.slice(0, 1) };
  const byNumber = free.filter((path) => path !== x).toSorted((a, b) => valuesOf(b).length - valuesOf(a).length);
  const [series = null, ...rest] = byNumber;
  const facet = rest.findLast((path) => valuesOf(path).length <= PANELS) ?? null;
  return { x, series, facet, others: rest.filter((path) => path !== facet) };
}

/** Independent paths; of axes that move together, the first. */
function independent(rows: readonly RunRow[], paths: readonly string[]): string[] {
  const kept: string[] = [];
  for (const path of paths) if (!kept.some((other) => settles(rows, other, path))) kept.push(path);
  return kept;
}

function settles(rows: readonly RunRow[], axis: string, other: string): boolean {
  const seen = new Map<unknown, unknown>();
  return rows.every((row) => {
    const [key, value] = [rowValue(row, axis), rowValue(row, other)];
    if (!seen.has(key)) seen.set(key, value);
    return seen.get(key) === value;
  });
}
