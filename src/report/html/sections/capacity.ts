import { formatBytes, formatRatio } from '../../../base/units.js';
import { metricValue } from '../../../result/catalogue.js';
import type { CapacityCurve } from '../../../result/details.js';
import type { Result } from '../../../result/result.js';
import { SHARE_TICKS } from '../../page/axis.js';
import { curves, dot, plot } from '../../page/chart.js';
import { html, type Markup } from '../../page/markup.js';
import { legend, type Section } from '../../page/pieces.js';
import type { Side, Sides } from './sides.js';

const gpusOf = (metrics: Result['metrics']): number => metricValue({ metrics }, 'parallel.gpus') ?? 1;

/** Hit rate and capacity in a sentence; capacity is per GPU, as in the user's input. */
function capacityWords(word: string, { metrics, bounds }: Result, curve: CapacityCurve): string {
  const share = Math.min(1, bounds.capacityBytes / curve.bytes.at(-1)!);
  const gpus = gpusOf(metrics);
  const where =
    gpus > 1 ? ` on each of ${gpus} GPUs, ${formatRatio(share, 0)} of the experts there` : `, ${formatRatio(share, 0)} of all experts`;
  return `${word} hits ${formatRatio(metricValue({ metrics }, 'cache.hit_rate') ?? 0)} with ${formatBytes(bounds.capacityBytes / gpus)}${where}.`;
}

function capacityPlot(label: string, curve: CapacityCurve, points: Sides): Markup {
  const whole = curve.bytes.at(-1)!;
  const gpus = gpusOf(points[0]!.result.metrics);
  const line = (rates: readonly number[]): [number, number][] => [
    [0, 0],
    ...curve.bytes.map((bytes, k): [number, number] => [bytes / whole, rates[k]!]),
  ];
  return html`${legend([
    ...points.map(({ word, color }) => [color, word] as const),
    ['belady', 'Belady: no policy hits more'],
    ['idle-line', 'LRU'],
  ])}${plot(
    {
      label,
      height: 260,
      x: [0, 0.25, 0.5, 0.75, 1].map((share) => ({ at: share, label: formatBytes((share * whole) / gpus) })),
      y: SHARE_TICKS,
      xTitle: gpus > 1 ? 'capacity of the expert cache on each GPU' : 'capacity of the expert cache',
      yTitle: 'hit rate',
    },
    curves([
      { color: 'idle-line', points: line(curve.lru) },
      { color: 'belady', points: line(curve.belady), dashed: true },
    ]),
    points.map(({ word, color, result: { bounds, metrics } }) =>
      dot(Math.min(1, bounds.capacityBytes / whole), metricValue({ metrics }, 'cache.hit_rate') ?? 0, word, color),
    ),
  )}`;
}

const CAPACITY_NOTE = 'Both curves replay the same demand from an empty cache, without prefetching, which may put a run above them.';

/** Hit rate against capacity, only if all runs demand the same experts equally. */
export const capacitySection: Section<Sides> = {
  id: 'capacity',
  title: 'Hit rate against capacity',
  draw(sides) {
    const curve = sides.at(-1)!.result.details?.capacity ?? null;
    if (curve === null) return null;
    const isSame = ({ result: { details } }: Side): boolean => {
      const other = details?.capacity ?? null;
      return other !== null && curve.belady.every((rate, k) => rate === other.belady[k] && curve.bytes[k] === other.bytes[k]);
    };
    if (!sides.every(isSame)) return null;
    const words = sides.map(({ label, result }) => capacityWords(label, result, curve)).join(' ');
    return { about: `${words} ${CAPACITY_NOTE}`, content: capacityPlot(words, curve, sides) };
  },
};
