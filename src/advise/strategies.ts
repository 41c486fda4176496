import { formatNs, formatNumber } from '../base/units.js';
import { type Block, bareRange, type Datum, gridOf, rateDatum, ratio } from '../report/door.js';
import type { Strategy } from './advise.js';
import { detailed, sentences } from './report-parts.js';

/** Table of strategies; empty without a choice. */
export function strategyGrid(strategies: readonly Strategy[]): Block[] {
  if (strategies.length === 0) return [];
  const rows = strategies.map(({ bands, decode, flags, hitRate, name, prefill, waits }): Datum[] => [
    name,
    rateDatum(decode),
    bareRange(bands.decode, decode),
    rateDatum(prefill),
    ratio(hitRate),
    waitText(waits),
    flags,
  ]);
  return [
    gridOf(
      [
        { head: 'strategy', most: 22 },
        'decode',
        'range',
        'prefill',
        'hits',
        'waits',
        { head: 'flags', align: 'left', only: ['markdown', 'csv'] },
      ],
      rows,
    ),
    ...cacheLines(strategies),
    // A terminal lacks room for commands next to the figures.
    {
      kind: 'facts',
      facts: strategies.map(({ flags, name }): [string, string] => [name, flags]),
      indent: 24,
      only: ['terminal'],
      detail: 'verbose',
    },
  ];
}

/** Longest wait of a token. */
export function waitText({ cpu, link }: Strategy['waits']): string {
  if (Math.max(cpu, link) < 1e3) return '-';
  return cpu > link ? `CPU ${formatNs(cpu)}` : `PCIe ${formatNs(link)}`;
}

/** Ratio of each cache to the fixed placement; what was measured with --verbose. */
function cacheLines(strategies: readonly Strategy[]): Block[] {
  const fixed = strategies.find(({ beside }) => beside === undefined);
  const compared = strategies.flatMap(({ beside, name }) => (beside === undefined ? [] : [{ ...beside, name }]));
  const texts = compared.map(({ high, low, name, ratio, reason }) => {
    const which = compared.length === 1 ? '' : `${name}: `;
    return `${which}${formatNumber(ratio, 2)}x ${fixed!.name} (${formatNumber(low, 2)} to ${formatNumber(high, 2)}): ${reason}.`;
  });
  const rows = compared.map(({ name, rows }) => `${name}: ${rows ?? 'no measured row on this backend'}.`);
  return [...sentences('cache', texts), ...detailed(sentences('measured', rows))];
}
