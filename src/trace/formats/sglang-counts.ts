// SGLang's expert distribution as CSV (March to May 2025): layer_id,expert_id,count per rank. Counts only.
import { UserError } from '../../base/errors.js';
import { FieldReader, LineScanner } from '../../base/scan.js';
import type { Popularity } from '../popularity.js';
import type { TraceSource } from '../source.js';
import type { TraceFormat } from './format.js';

const COMMA = 44;
const LIMIT = 65_535;

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
  const { path } = source;
  const scanner = new LineScanner(source);
  const fields = new FieldReader(scanner);
  const byLayer = new Map<number, Map<number, number>>();
  let experts = 0;
  scanner.next();
  while (scanner.next()) {
    if (scanner.blank()) continue;
    fields.rewind();
    const layer = fields.integer('layer_id');
    const expert = fields.skip(COMMA) ? fields.integer('expert_id') : -1;
    const count = fields.skip(COMMA) ? fields.integer('count') : -1;
    if (layer < 0 || expert < 0 || expert >= LIMIT || count < 0) throw new UserError(`${scanner.place()}: not layer_id,expert_id,count`);
    const layerCounts = byLayer.get(layer) ?? new Map<number, number>();
    layerCounts.set(expert, (layerCounts.get(expert) ?? 0) + count);
    byLayer.set(layer, layerCounts);
    experts = Math.max(experts, expert + 1);
  }
  if (byLayer.size === 0) throw new UserError(`${path}: no counts follow the header`);
  const layers = [...byLayer.keys()].sort((a, b) => a - b);
  return {
    path,
    format: 'sglang-counts',
    model: null,
    counts: layers.map((layer) => Float64Array.from({ length: experts }, (_, expert) => byLayer.get(layer)!.get(expert) ?? 0)),
  };
}
