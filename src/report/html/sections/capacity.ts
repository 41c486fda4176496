// Hit rate against capacity: where this run stands, and what more memory would buy.
import { formatBytes, formatRatio } from '../../../base/units.js';
import type { Result } from '../../../result/result.js';
import { SHARE_TICKS } from '../axis.js';
import { curves, dot, plot } from '../chart.js';
import { html } from '../markup.js';
import { legend, type Section } from '../pieces.js';

/** Hit rate against capacity. */
export const capacitySection: Section<Result> = {
  id: 'capacity',
  title: 'Hit rate against capacity',
  draw({ details, metrics, bounds }) {
    const curve = details?.capacity ?? null;
    if (curve === null) return null;
    const whole = curve.bytes.at(-1)!;
    const line = (rates: readonly number[]): [number, number][] => [
      [0, 0],
      ...curve.bytes.map((bytes, k): [number, number] => [bytes / whole, rates[k]!]),
    ];
    const own = metrics['cache.hit_rate']?.value ?? 0;
    const at = Math.min(1, bounds.capacityBytes / whole);
    const said = `This run hits ${formatRatio(own)} with ${formatBytes(bounds.capacityBytes)}, ${formatRatio(at, 0)} of all experts.`;
    return {
      about: `${said} Both curves replay the same demand from an empty cache, without prefetching, which may put a run above them.`,
      content: html`${legend([
        ['accent', 'this run'],
        ['belady', 'Belady: no policy hits more'],
        ['idle-line', 'LRU'],
      ])}${plot(
        {
          label: said,
          height: 260,
          x: [0, 0.25, 0.5, 0.75, 1].map((share) => ({ at: share, label: formatBytes(share * whole) })),
          y: SHARE_TICKS,
          xTitle: 'capacity of the expert cache',
          yTitle: 'hit rate',
        },
        curves([
          { color: 'idle-line', points: line(curve.lru) },
          { color: 'belady', points: line(curve.belady), dashed: true },
        ]),
        dot(at, own, 'this run'),
      )}`,
    };
  },
};
