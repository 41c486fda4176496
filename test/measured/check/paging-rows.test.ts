// The forecast of paging beside runs that were reported to page, and its figure on the page of memory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findProfile } from '../../../src/base/profiles.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { checkRuns } from '../../../src/measured/check/check.js';
import { runtimesFor } from '../../../src/measured/validate/constants.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';

const PAGE = join(import.meta.dirname, '../../../docs/memory.md');

/** Forecast over measured speed by row that is found to page. */
async function forecasts(): Promise<Map<string, number>> {
  const rows = ['open', 'second'].flatMap((name) => readRows(findProfile('measurements', name)).speed);
  const paged = rows.filter(({ pathology, placement }) => pathology === 'paging' && placement.cpu_moe_layers !== undefined);
  const runs = await checkRuns(paged, runtimesFor(paged, loadRuntime));
  const found = runs.flatMap(({ findings, place }) => {
    const said = findings.find(({ cause }) => cause === 'paging')?.evidence;
    const speed = /about ([\d.]+) tok\/s/.exec(said ?? '')?.[1];
    return speed === undefined ? [] : [[place, Number(speed) / paged.find(({ id }) => id === place)!.measured.tg_tps!] as const];
  });
  return new Map(found);
}

it('is within a factor of two of every run that is found to page, and the page says how near', async () => {
  const ratios = [...(await forecasts()).values()].sort((a, b) => a - b);
  for (const ratio of ratios) expect(Math.max(ratio, 1 / ratio)).toBeLessThan(2);
  expect(readFileSync(PAGE, 'utf8').replaceAll(/\s+/g, ' ')).toContain(
    `${ratios.length} published runs that page: ${ratios[0]!.toFixed(2)} to ${ratios.at(-1)!.toFixed(2)} of what was measured`,
  );
}, 60_000);
