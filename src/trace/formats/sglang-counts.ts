// SGLang's expert distribution as CSV (March to May 2025): layer_id,expert_id,count per rank. Counts only.
import { UserError } from '../../base/errors.js';
import { FieldReader } from '../../base/field-reader.js';
import { LineScanner } from '../../base/scan.js';
import type { Popularity } from '../popularity.js';
import type { TraceSource } from '../source.js';
import { CountTable } from './count-table.js';
import type { TraceFormat } from './format.js';

const COMMA = 44;

/** Counts CSV of SGLang. */
export const sglangCounts: TraceFormat = {
  name: 'sglang-counts',
  summary: 'CSV layer_id,expert_id,count; counts only',
  engines: 'SGLang of March to May 2025',
  turnOn: 'its expert distribution dump',
  detect: ({ text }) => /^layer_id,expert_id,count\s/.test(text),
  counts,
};

function counts(source: TraceSource): Popularity {
  const scanner = new LineScanner(source);
  const fields = new FieldReader(scanner);
  const table = new CountTable();
  scanner.next();
  while (scanner.next()) {
    if (scanner.blank()) continue;
    fields.rewind();
    const layer = fields.integer('layer_id');
    const expert = fields.skip(COMMA) ? fields.integer('expert_id') : -1;
    const count = fields.skip(COMMA) ? fields.integer('count') : -1;
    if (layer < 0 || expert < 0 || count < 0 || !fields.ended) throw new UserError(`${scanner.place()}: not layer_id,expert_id,count`);
    table.add(layer, expert, count, () => scanner.place());
  }
  return table.counts(source.path, 'sglang-counts');
}
