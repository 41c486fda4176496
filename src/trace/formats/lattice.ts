// lattice's moe_admission_sim trace: one JSON line per token and layer.
import type { TraceFormat } from './format.js';
import { importRecords } from './record-lines.js';

/** JSON lines of lattice. */
export const lattice: TraceFormat = {
  name: 'lattice',
  summary: '{"layer_idx":3,"token_idx":17,"selected_ids":[…],"gate_weights":[…]}, one line per token and layer',
  engines: 'lattice',
  turnOn: 'the JSON lines that its moe_admission_sim reads',
  detect: ({ text }) => /^\s*\{[^\n]*"selected_ids"\s*:/.test(text) && /"layer_idx"\s*:/.test(text),
  open: (source, options) =>
    importRecords(source, { token: 'token_idx', layer: 'layer_idx', experts: 'selected_ids', weights: 'gate_weights' }, options, {
      format: 'lattice',
    }),
};
