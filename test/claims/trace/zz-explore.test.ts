import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { findProfile } from '../../../src/base/profiles.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { predictedConsistency, predictedHits } from './hit-curves.js';
const G = [0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.94];
const R = [0, 0.08, 0.16, 0.24, 0.36];
it('dump', { timeout: 1e7 }, () => {
  const { hits } = readRows(findProfile('measurements', 'hits'));
  const out = [];
  const t0 = Date.now();
  for (const row of hits.filter(({ batch, policy }) => policy === 'lru' && batch === 1)) {
    const grid = G.map((gini) => R.map((repeat) => predictedHits(row, { gini, repeat })));
    const srp = row.srp === undefined || row.tokens === undefined ? null : G.map((gini) => R.map((repeat) => predictedConsistency(row, { gini, repeat })));
    out.push({ id: row.id, model: row.model, shape: row.shape, used: row.used, curve: row.curve, srp: row.srp, grid, srps: srp, fitted: row.fitted });
    console.log(row.id, Date.now() - t0);
    writeFileSync('/tmp/r/grid.json', JSON.stringify({ G, R, rows: out }));
  }
});
