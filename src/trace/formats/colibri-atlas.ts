// colibri's atlas of experts, from histories of GLM-5.2 and others: JSON of experts with totals and topic affinities. Counts only.
import { UserError } from '../../base/errors.js';
import { CountTable } from './count-table.js';
import type { TraceFormat } from './format.js';
import { arrayAt, objectAt, wholeAt, wholeJson } from './json-values.js';

/** Atlas of experts. */
export const colibriAtlas: TraceFormat = {
  name: 'colibri-atlas',
  detect: ({ text }) => /^\s*\{\s*"categories"\s*:\s*\[[^\]]*\]\s*,\s*"experts"\s*:/.test(text),
  counts(source) {
    const { path } = source;
    const atlas = objectAt(wholeJson(source), path);
    if (typeof atlas.experts === 'object' && !Array.isArray(atlas.experts))
      throw new UserError(`${path}: is an atlas for the web, which has no counts; give the file that analyze.py writes with --out`);
    let place = path;
    const table = new CountTable(() => place);
    arrayAt(atlas, 'experts', path).forEach((entry, index) => {
      place = `${path}: experts: entry ${index}`;
      const expert = objectAt(entry, place);
      const [layer, id, total] = ['layer', 'expert', 'total'].map((key) => wholeAt(expert, key, place) ?? -1) as [number, number, number];
      if (layer < 0 || id < 0 || total < 0) throw new UserError(`${place}: needs layer, expert and total`);
      table.add(layer, id, total);
    });
    return table.counts(path);
  },
};
