// The flags of `moeprof sweep`, with or without a study. Types only.
import type { OutputOptions, Texts } from './kit/options.js';
import type { RunFlags } from './run-options.js';

/** Flags of the command. */
export interface SweepFlags extends RunFlags, OutputOptions, Texts<'rates' | 'metrics' | 'jobs' | 'shard' | 'queue' | 'queuePrefix'> {
  readonly vary: readonly string[];
  readonly store?: string | boolean;
}
