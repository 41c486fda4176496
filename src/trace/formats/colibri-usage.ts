import { UserError } from '../../base/errors.js';
import { FieldReader } from '../../base/scan.js';
import { CountTable } from './count-table.js';
import type { TraceFormat } from './format.js';
import { arrayAt, objectAt, wholeAt, wholeJson } from './json-values.js';

const SPACE = 32;
/** Newest known version of the history. */
const VERSION = 1;
/** Pseudo-layers: size of the history; version with a hash of the engine's name. */
const SIZE = -1;
const WRITER = -2;

/** colibri's history (.coli_usage), lines of layer, expert, count after two lines with size and writer. */
export const colibriUsage: TraceFormat = {
  name: 'colibri-usage',
  detect: ({ text }) => /^-1 \d+ \d+\r?\n-2 \d+ \d+\r?\n/.test(text),
  counts(source) {
    const fields = new FieldReader(source);
    const place = (): string => fields.place();
    const table = new CountTable(place);
    let [layers, experts] = [-1, -1];
    while (fields.nextFilled()) {
      const layer = fields.integer('layer');
      const second = fields.skip(SPACE) ? fields.integer('expert') : -1;
      const text = fields.skip(SPACE) ? fields.word(SPACE) : '';
      const third = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!fields.ended || !Number.isSafeInteger(third) || third < 0 || second < 0 || layer < WRITER)
        throw new UserError(`${place()}: not layer, expert and count`);
      if (layer === SIZE) {
        if (layers >= 0 && (second !== layers || third !== experts))
          throw new UserError(`${place()}: ${second} layers of ${third} experts, after ${layers} of ${experts}; keep one model a file`);
        [layers, experts] = [second, third];
      }
      if (layer === WRITER && second > VERSION)
        throw new UserError(`${place()}: version ${second} of the history; version ${VERSION} is known`);
      // The row after the last layer belongs to the multi-token-prediction layer.
      else if (layer >= 0 && layer < layers) table.add(layer, second, third, experts);
    }
    return table.counts(source.path, Math.min(experts, 65_535));
  },
};

/** colibri's atlas of experts, as counts. */
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
