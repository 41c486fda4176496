// The figure of a capacity curve: hit rate against capacity, a line for each policy, with the token cycle and the knee.
import { visible } from '../../base/text.js';
import type { Curve } from '../curve/curve-result.js';
import type { FigurePoint, PaperFigure } from './figure.js';

/** One figure. */
export function curveFigures({ capacities, config, expertBytes, knee, policies, tokenCycleBytes }: Curve): PaperFigure[] {
  const share = (bytes: number): number => (100 * bytes) / expertBytes;
  const names = policies.map(({ policy }) => visible(policy));
  const points = policies.flatMap(({ points: own }, p) =>
    own.map(({ hitRate }, c): FigurePoint => {
      const y = 100 * hitRate;
      return { x: share(capacities[c]!), y, low: y, high: y, series: names[p]!, facet: '', runs: 1, front: false };
    }),
  );
  const inside = (bytes: number): boolean => bytes >= capacities[0]! && bytes <= capacities.at(-1)!;
  const cycle = config.scope === 'global' && inside(tokenCycleBytes);
  return [
    {
      ...{ kind: 'line', x: 'capacity', y: 'cache.hit_rate', series: 'policy', facet: null, statistic: 'median' },
      xAxis: { name: 'capacity', unit: '% of all experts', continuous: true },
      yAxis: { name: 'hit rate', unit: '%', continuous: true },
      ...{ seriesNames: names, facets: [''], points },
      rules: [
        ...(cycle ? [{ axis: 'x' as const, at: share(tokenCycleBytes), label: 'token cycle' }] : []),
        ...(knee === null ? [] : [{ axis: 'x' as const, at: share(capacities[knee.at]!), label: `knee of ${visible(knee.policy)}` }]),
      ],
    },
  ];
}
