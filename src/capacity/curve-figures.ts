// The figure of a capacity curve: hit rate against capacity, a line for each policy, with the token cycle and the knee.
import { visible } from '../base/text.js';
import type { PaperFigure } from '../figure/figure.js';
import { onePanel, type RunPoint } from '../figure/one-panel.js';
import type { Curve } from './curve-result.js';

/** One figure. */
export function curveFigures({ capacities, config, expertBytes, knee, policies, tokenCycleBytes }: Curve): PaperFigure[] {
  const share = (bytes: number): number => (100 * bytes) / expertBytes;
  const names = policies.map(({ policy }) => visible(policy));
  const points = policies.flatMap(({ points: own }, p) =>
    own.map(({ hitRate }, c): RunPoint => ({ x: share(capacities[c]!), y: 100 * hitRate, series: names[p]! })),
  );
  const inside = (bytes: number): boolean => bytes >= capacities[0]! && bytes <= capacities.at(-1)!;
  const cycle = config.scope === 'global' && inside(tokenCycleBytes);
  const rules = [
    ...(cycle ? [{ axis: 'x' as const, at: share(tokenCycleBytes), label: 'token cycle' }] : []),
    ...(knee === null ? [] : [{ axis: 'x' as const, at: share(capacities[knee.at]!), label: `knee of ${visible(knee.policy)}` }]),
  ];
  const xAxis = { name: 'capacity', unit: '% of all experts', continuous: true };
  const yAxis = { name: 'hit rate', unit: '%', continuous: true };
  const question = { kind: 'line', x: 'capacity', y: 'cache.hit_rate', series: 'policy' } as const;
  return [onePanel({ ...question, xAxis, yAxis, seriesNames: names, rules }, points)];
}
