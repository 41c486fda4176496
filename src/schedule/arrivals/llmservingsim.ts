// LLMServingSim's request traces: nanoseconds, prompt and generated tokens.
import { columnFormat, inUnits } from './columns.js';

/** Registry entry. */
export const llmservingsim = columnFormat({
  name: 'llmservingsim',
  summary: 'arrival_time_ns, input_toks, output_toks',
  cites: 'LLMServingSim, IISWC 2024, arXiv 2408.05499',
  arrival: 'arrival_time_ns',
  prompt: 'input_toks',
  output: 'output_toks',
  moment: inUnits(1),
});
