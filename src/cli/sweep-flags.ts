// The flags of `moeprof sweep`, with or without a study. Types only.
import type { OutputOptions } from './kit/options.js';
import type { RunFlags } from './run-options.js';

/** Flags of the command. */
export interface SweepFlags extends RunFlags, OutputOptions {
  readonly rates?: string;
  readonly vary: readonly string[];
  readonly metrics?: string;
  readonly jobs?: string;
  readonly store?: string | boolean;
  readonly shard?: string;
  readonly queue?: string;
  readonly queuePrefix?: string;
}
