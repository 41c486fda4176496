// SGLang's expert distribution as CSV (March to May 2025): layer_id,expert_id,count per rank. Counts only.
import { UserError } from '../../base/errors.js';
import { FieldReader } from '../../base/scan.js';
import { CountTable } from './count-table.js';
import type { TraceFormat } from './format.js';

const COMMA = 44;

/** Counts CSV of SGLang. */
export const sglangCounts: TraceFormat = {
  name: 'sglang-counts',
  detect: ({ text }) => /^layer_id,expert_id,count\s/.test(text),
  counts(source) {
    const fields = new FieldReader(source);
    const table = new CountTable(() => fields.place());
    fields.next();
    while (fields.nextFilled()) {
      const layer = fields.integer('layer_id');
      const expert = fields.skip(COMMA) ? fields.integer('expert_id') : -1;
      const count = fields.skip(COMMA) ? fields.integer('count') : -1;
      if (layer < 0 || expert < 0 || count < 0 || !fields.ended) throw new UserError(`${fields.place()}: not layer_id,expert_id,count`);
      table.add(layer, expert, count);
    }
    return table.counts(source.path);
  },
};
