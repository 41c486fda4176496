import { rowsBehind } from '../engine/outcome/comparable.js';
import { type Block, gridOf } from '../report/door.js';
import type { Advice } from './advise.js';

/** Rows shown on a page. */
const SHOWN = 12;

/** Parts of a machine's name, without counts and sizes. */
const partsOf = (name: string): string[] => name.split('+').map((part) => part.replace(/^\d+x|[:@].*$/g, ''));

/** Same parts first, then worst predicted; empty without comparable runs. */
export function measuredGrid({ bands, machine }: Advice): Block[] {
  const band = bands?.decode ?? null;
  if (band === null || band.learned === true) return [];
  const parts = new Set(partsOf(machine).filter((part) => /[a-z]/.test(part) && !/^\d+G/.test(part)));
  const ranked = rowsBehind('decode', band).map((row) => ({
    ...row,
    shared: partsOf(row.vote).filter((part) => parts.has(part)).length,
    off: Math.abs(Math.log(Math.max(1e-3, 1 + row.error))),
  }));
  ranked.sort((a, b) => b.shared - a.shared || b.off - a.off);
  const rows = ranked
    .slice(0, SHOWN)
    .map(({ error, format, placement, runtime, vote }) => [
      vote,
      runtime,
      format,
      placement,
      { value: error, text: `${error < 0 ? '-' : '+'}${Math.round(100 * Math.abs(error))} %` },
    ]);
  const columns = [
    'machine',
    ...['engine', 'format', 'placement'].map((head) => ({ head, align: 'left' as const })),
    'predicted beside measured',
  ];
  const fold = `Measured runs behind the range: ${rows.length} of ${ranked.length}, machines with the same parts first, then the worst predicted`;
  return [{ ...gridOf(columns, rows, { fold }), only: ['page'] }];
}
