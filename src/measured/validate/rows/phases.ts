import { runtimeOfProgram } from '../../../runtime/door.js';
import type { Measurement } from './measurement.js';

/** Tokens walked by each of `users` sequences. */
export interface WalkLength {
  readonly users: number;
  readonly prompt: number;
  readonly output: number;
}

/** A run of one phase. */
export interface RowPhase extends WalkLength {
  /** Tokens in the KV cache before the first. */
  readonly context: number;
  /** Most tokens of a pass. */
  readonly ubatch: number;
  /** Generated tokens that only warm caches. */
  readonly warming: number;
}

/** Generated tokens if caches are fixed; ours. */
const STILL_TOKENS = 40;
/** Tokens to warm filling caches, and counted tokens; ours. */
const WARM_TOKENS = 160;
const COUNTED_TOKENS = 160;
/** Tokens if only ratios of predictions count; ours. */
const BRIEF = { still: 6, warm: 24, counted: 24, prompt: 512 } as const;
/** llama-bench's default generated and prompt tokens. */
const USUAL_GENERATED = 128;
const USUAL_PROMPT = 512;
/** Longest prompt simulated whole, tokens; ours. A longer prompt is sampled in its middle. */
const MOST_PROMPT = 8192;

/** Decoding at depth; generated tokens see half of the generation on average. @param brief few tokens */
export function decodingPhase(row: Measurement, usualUbatch: number, brief = false): RowPhase {
  const { batch_users: users = 1, depth = 0, tg_tokens: generated = USUAL_GENERATED } = row.run;
  const [still, warm, counted] = brief ? [BRIEF.still, BRIEF.warm, BRIEF.counted] : [STILL_TOKENS, WARM_TOKENS, COUNTED_TOKENS];
  const { kind, note = '' } = row.placement;
  const warming = kind === 'expert-cache' || kind === 'ssd-stream' || note.includes('dynamic') ? warm : 0;
  const output = warming > 0 ? warming + counted : still;
  const context = Math.max(0, Math.round(depth + (generated - output - warming) / 2));
  return { users, prompt: 1, output, context, ubatch: Math.max(usualUbatch, users), warming };
}

/** Phase of a prompt. @param usualUbatch default tokens of a pass @param brief one pass */
export function promptPhase(row: Measurement, usualUbatch: number, brief = false): RowPhase {
  const { batch_users: users = 1, depth = 0, pp_tokens: tokens = USUAL_PROMPT, ubatch = usualUbatch } = row.run;
  const prompt = Math.min(tokens, Math.max(brief ? BRIEF.prompt : MOST_PROMPT, ubatch));
  // In benchmarks the depth precedes the prompt; chat programs state the prompt as depth.
  const isFirst = runtimeOfProgram(row.engine).depthFirst && row.series?.vary === 'depth';
  const before = row.run.depth !== row.run.pp_tokens || isFirst ? depth : 0;
  return { users, prompt, output: 1, context: before + Math.round((tokens - prompt) / 2), ubatch, warming: 0 };
}
