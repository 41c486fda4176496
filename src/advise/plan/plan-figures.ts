// Figures of a plan: the memory that each system and machine needs and has, and how the conditions depend on the size of the expert cache.
import { visible } from '../../base/text.js';
import { type PaperFigure, scaleOf } from '../../figure/figure.js';
import { onePanel, type RunPoint } from '../../figure/one-panel.js';
import { measurePair } from '../../result/amount.js';
import { parseAssertion } from '../../result/budget.js';
import { describeMetric } from '../../result/catalogue.js';
import { answeringProbe, neededBytes, type Placing, type Plan } from './plan.js';

/** Most conditions that are drawn. */
const CONDITIONS = 3;

/** Figures of a plan: memory, then each condition on a metric. */
export function planFigures({ conditions, placings }: Plan): PaperFigure[] {
  return [memory(placings), ...conditions.flatMap((text) => condition(placings, text)).slice(0, CONDITIONS)];
}

function nameOf({ hardware, system }: Placing): string {
  return visible(`${system} on ${hardware}`);
}

/** GPU memory that the smallest cache takes, and that of the machine. */
function memory(placings: readonly Placing[]): PaperFigure {
  const point = (placing: Placing, series: string, bytes: number): RunPoint => ({ x: nameOf(placing), y: bytes / 2 ** 30, series });
  const points = placings.flatMap((placing) => {
    const answer = answeringProbe(placing);
    return [...(answer === null ? [] : [point(placing, 'needs', neededBytes(answer))]), point(placing, 'has', placing.gpuBytes)];
  });
  const xAxis = { name: 'placing', unit: '', continuous: false };
  const yAxis = { name: 'GPU memory', unit: 'GiB', continuous: true };
  const question = { kind: 'rank', x: 'placing', y: 'memory.gpu.allocated', series: 'memory' } as const;
  return onePanel({ ...question, xAxis, yAxis, seriesNames: ['needs', 'has'] }, points);
}

/** A metric against the expert cache, with the limit that it must keep; nothing where the condition names several metrics. */
function condition(placings: readonly Placing[], text: string): PaperFigure[] {
  const { metric, rule } = parseAssertion(text);
  if (/[*?]/.test(metric)) return [];
  const { unit: own } = describeMetric(metric);
  const clauses = rule.kind === 'limit' ? rule.clauses : [];
  const limits = clauses.flatMap(({ amount }) => measurePair(amount, { base: null, candidate: 0, unit: own }, text)?.limit ?? []);
  const runs = placings.flatMap((placing) =>
    placing.probes.flatMap(({ percent, result }) => {
      const value = result.metrics[metric]?.value;
      return value === undefined ? [] : [{ series: nameOf(placing), percent, value }];
    }),
  );
  if (runs.length === 0) return [];
  const { factor, unit } = scaleOf(own, Math.max(...runs.map(({ value }) => Math.abs(value))));
  const points = runs.map(({ percent, series, value }): RunPoint => ({ x: percent, y: value / factor, series }));
  const seriesNames = [...new Set(points.map(({ series }) => series))];
  const rules = limits.map((limit) => ({ axis: 'y' as const, at: limit / factor, label: text }));
  const xAxis = { name: 'expert cache', unit: '% of all experts', continuous: true };
  const yAxis = { name: metric, unit, continuous: true };
  const question = { kind: 'line', x: 'memory.expertCache', y: metric, series: 'placing' } as const;
  return [onePanel({ ...question, xAxis, yAxis, seriesNames, rules }, points)];
}
