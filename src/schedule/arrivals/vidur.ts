// Vidur's request traces: seconds, prompt and generated tokens.
import { columnFormat, inUnits } from './columns.js';

/** Registry entry. */
export const vidur = columnFormat({
  name: 'vidur',
  summary: 'arrived_at (s), num_prefill_tokens, num_decode_tokens',
  cites: 'Vidur, MLSys 2024, arXiv 2405.05465',
  arrival: 'arrived_at',
  prompt: 'num_prefill_tokens',
  output: 'num_decode_tokens',
  moment: inUnits(1e9),
});
