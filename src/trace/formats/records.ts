// Formats of JSON lines, a record per token and layer, that differ only in field names.
import { cellFormat } from './cells.js';
import type { ColumnMap, TraceFormat } from './format.js';
import { recordCells } from './record-lines.js';

const recordFormat = ({ fields, ...about }: Omit<TraceFormat, 'open'> & { readonly fields: ColumnMap }): TraceFormat =>
  cellFormat({ ...about, cells: (source) => recordCells(source, fields) });

/** ExpertFlow, schema 1.x: records in hook order. */
export const expertFlow = recordFormat({
  name: 'expertflow',
  detect: ({ text }) => /^\s*\{[^\n]*"selected_expert_ids"\s*:/.test(text),
  fields: {
    request: 'request_id',
    token: 'token_index',
    layer: 'layer_id',
    experts: 'selected_expert_ids',
    weights: 'selected_expert_weights',
    phase: 'phase',
    tokenId: 'token_id',
  },
});

/** lattice's moe_admission_sim. */
export const lattice = recordFormat({
  name: 'lattice',
  detect: ({ text }) => /^\s*\{[^\n]*"selected_ids"\s*:/.test(text) && /"layer_idx"\s*:/.test(text),
  fields: { token: 'token_idx', layer: 'layer_idx', experts: 'selected_ids', weights: 'gate_weights' },
});

/** moe-sim. */
export const moeSim = recordFormat({
  name: 'moe-sim',
  detect: ({ text }) => /^\s*\{[^\n]*"expert_ids"\s*:/.test(text) && /"token_position"\s*:/.test(text) && /"layer_id"\s*:/.test(text),
  fields: { request: 'request_id', token: 'token_position', layer: 'layer_id', experts: 'expert_ids', phase: 'phase' },
});
