import { it } from 'vitest';
import { findProfile } from '../../../src/base/profiles.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { fitted, gridded, loss, mean, measured, shapeOf } from './fit-prior.js';
import { predictedHits } from './hit-curves.js';
import { localityOf } from '../../../src/trace/generate/routing-profile.js';
it('dump', { timeout: 1e7 }, () => {
  const { hits } = readRows(findProfile('measurements', 'hits'));
  const rows = hits.filter(({ batch, policy, shape }) => policy === 'lru' && batch === 1 && shape.split !== true);
  const t0 = Date.now();
  const grid = gridded(rows);
  console.log('grid', Date.now() - t0);
  const names = [...new Set(rows.map((r) => r.model))];
  for (const g of grid) { const m = measured([g]); console.log(g.row.id, m.gini.toFixed(2), m.repeat.toFixed(2), ''); }
  for (const name of names) { const m = measured(grid.filter((g) => g.row.model === name)); console.log('MODEL', name, m.gini.toFixed(2), m.repeat.toFixed(2)); }
  const of = (skip: string | null) => names.filter((n) => n !== skip).map((n) => grid.filter((g) => g.row.model === n));
  const all = fitted(of(null));
  console.log('FIT', JSON.stringify(all), loss(of(null), all), Date.now() - t0);
  const errs = [];
  for (const name of names) {
    const p = fitted(of(name));
    const e = grid.filter((g) => g.row.model === name).map((g) => mean(predictedHits(g.row, localityOf(shapeOf(g.row), p)).map((h, i) => 100 * Math.abs(h - g.row.curve[i]![1]))));
    errs.push(mean(e));
    const l = localityOf(shapeOf(grid.find((g) => g.row.model === name)!.row), p);
    console.log('LOMO', name, l.gini.toFixed(2), l.repeat.toFixed(2), mean(e).toFixed(1));
  }
  const FAM: Record<string, string> = { 'qwen1.5-moe-a2.7b': 'q', 'qwen2-57b-a14b': 'q', 'qwen3-30b-a3b': 'q', 'qwen3.8-flash-next': 'q', 'gpt-oss-20b': 'o', 'gpt-oss-120b': 'o', 'deepseek-v2-lite': 'd', 'deepseek-moe-16b': 'd', 'glm-5.2': 'g', 'glm-5.3-flash': 'g', 'powermoe-3b': 'i', 'granite-3.0-1b-a400m': 'i', 'phi-3.5-moe': 'p', 'grin-moe': 'p' };
  const fo = [];
  for (const name of names) {
    const f = FAM[name] ?? name;
    const p = fitted(names.filter((n) => (FAM[n] ?? n) !== f).map((n) => grid.filter((g) => g.row.model === n)));
    const e = mean(grid.filter((g) => g.row.model === name).map((g) => mean(predictedHits(g.row, localityOf(shapeOf(g.row), p)).map((h, i) => 100 * Math.abs(h - g.row.curve[i]![1])))));
    fo.push(e);
    console.log('LOFO', name, e.toFixed(1));
  }
  console.log('MEDIAN LOFO', fo.sort((a, b) => a - b)[Math.floor(fo.length / 2)]);
  console.log('MEDIAN', errs.sort((a, b) => a - b)[Math.floor(errs.length / 2)], Date.now() - t0);
});
