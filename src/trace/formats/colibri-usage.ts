// colibri's expert history (.coli_usage): lines of layer, expert and count, behind two that hold its size and writer. Counts only.
import { UserError } from '../../base/errors.js';
import { FieldReader } from '../../base/scan.js';
import { CountTable } from './count-table.js';
import type { TraceFormat } from './format.js';

const SPACE = 32;
/** Supported version of the history. */
const VERSION = 1;
/** Pseudo-layers: the size of the history, and its version with a hash of the engine's name. */
const SIZE = -1;
const WRITER = -2;

/** Expert history of colibri. */
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
