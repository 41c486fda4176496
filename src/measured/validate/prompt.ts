// Settings of a row's prompt that differ from decoding: the device that computed experts in host memory, and its threads. Pure functions.
import type { RuntimeSpec } from '../../hardware/door.js';
import { hasFlag } from './memory/load.js';
import type { Measurement } from './rows/measurement.js';
import { promptPhase } from './rows/phases.js';

/** Experts of a layer, and those that the graph of a pass selects for a token. */
export interface Selection {
  readonly experts: number;
  readonly topK: number;
}

/**
 * The rule for the row's prompt: the device that the row states, whatever the runtime's rule is. Where that device is only guessed, passes
 * below the engine's own threshold leave their experts on the CPU.
 */
export function promptOf(runtime: RuntimeSpec, row: Measurement, { experts, topK }: Selection): RuntimeSpec['prompt'] {
  const { prompt } = runtime;
  const where = row.placement.prefill_where;
  if (where === undefined) return prompt;
  const guessed = row.guessed?.includes('placement.prefill_where') === true;
  const { prompt: tokens, ubatch } = promptPhase(row, prompt.ubatch);
  const below =
    prompt.counts === 'expert' && prompt.offloadFrom !== null && (Math.min(tokens, ubatch) * topK) / experts < prompt.offloadFrom;
  return { ...prompt, counts: 'pass', offloadFrom: where === 'cpu' || (guessed && below) ? null : 2 };
}

/** True where the engine drops experts while it computes (ik_llama.cpp -ser), so that its graph still selects all of the model's. */
export function dropsExperts({ flags = '' }: Measurement): boolean {
  return hasFlag(flags, '-ser');
}

/** The row as its prompt ran: on threads of its own, where the command line says so. */
export function onPromptThreads(row: Measurement): Measurement {
  const threads = /(?:^|\s)(?:-tb|--threads-batch)[\s=](\d+)/.exec(row.flags ?? '')?.[1];
  return threads === undefined ? row : { ...row, run: { ...row.run, threads: Number(threads) } };
}
