// moe-sim's trace: one JSON line per token and layer, with request, phase and position.
import type { TraceFormat } from './format.js';
import { importRecords } from './record-lines.js';

/** JSON lines of moe-sim. */
export const moeSim: TraceFormat = {
  name: 'moe-sim',
  summary: '{"request_id":0,"phase":"decode","step_id":4,"token_position":17,"layer_id":3,"expert_ids":[…]}, one line per token and layer',
  engines: 'moe-sim',
  turnOn: 'the JSON lines that it reads',
  detect: ({ text }) => /^\s*\{[^\n]*"expert_ids"\s*:/.test(text) && /"token_position"\s*:/.test(text) && /"layer_id"\s*:/.test(text),
  open: (source, options) =>
    importRecords(
      source,
      { request: 'request_id', token: 'token_position', layer: 'layer_id', experts: 'expert_ids', phase: 'phase' },
      options,
      {
        format: 'moe-sim',
      },
    ),
};
