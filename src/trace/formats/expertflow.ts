// ExpertFlow's JSON lines, schema 1.x: one record per token and layer in hook order, tokens numbered within their request.
import type { TraceFormat } from './format.js';
import { importRecords } from './record-lines.js';

/** JSON lines of ExpertFlow. */
export const expertFlow: TraceFormat = {
  name: 'expertflow',
  summary: '{"request_id":"…","phase":"decode","token_index":17,"layer_id":3,"selected_expert_ids":[…]}, one line per token and layer',
  engines: 'llama.cpp under ExpertFlow',
  turnOn: 'its router trace, schema 1.x',
  detect: ({ text }) => /^\s*\{[^\n]*"selected_expert_ids"\s*:/.test(text),
  open: (source, options) =>
    importRecords(
      source,
      {
        request: 'request_id',
        token: 'token_index',
        layer: 'layer_id',
        experts: 'selected_expert_ids',
        weights: 'selected_expert_weights',
        phase: 'phase',
        tokenId: 'token_id',
      },
      options,
      { format: 'expertflow' },
    ),
};
