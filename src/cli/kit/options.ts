// Options that several commands share, worded once.

import { type Command, Option } from 'commander';
import { UserError } from '../../base/errors.js';
import { parseCount } from '../../base/units.js';
import { describeMetric } from '../../result/catalogue.js';

/** Flags that are text where they are given. */
export type Texts<Flag extends PropertyKey> = { readonly [F in Flag]?: string };

/** Collects the values of a repeatable option. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** Values of the flags that read a trace. */
export type TraceFlags = Texts<'model' | 'traceFormat' | 'traceColumns'>;

/** `-m`. */
export function modelOption(summary = 'model: a bundled name, a file or hf:owner/repo; may be left out where the trace names it'): Option {
  return new Option('-m, --model <model>', summary);
}

/** `--quantization`. */
export function quantizationOption(summary = 'storage format of the weights, e.g. q4_k_m'): Option {
  return new Option('--quantization <format>', summary);
}

/** `-t`, repeatable. */
export function traceOption(
  summary = "routing trace, repeatable; trace#FROM:TO is a range of its rows, a folder all files in it, - is JSONL on stdin, 'synthetic' is drawn",
): Option {
  return new Option('-t, --trace <trace>', summary).argParser(collect).default([]);
}

/** `--trace-format`. */
export function traceFormatOption(whose = 'the traces'): Option {
  return new Option('--trace-format <format>', `format of ${whose}, instead of recognising it; a reader of your own: ./mine.mjs`);
}

/** `--trace-columns`. */
export function traceColumnsOption(): Option {
  return new Option('--trace-columns <map>', 'columns of a CSV, JSON lines or Parquet table: layer=…,experts=…,token=…');
}

/** Adds the flags of the replayed routing and its model. */
export function addRoutingOptions(command: Command): Command {
  const all = [modelOption(), quantizationOption(), traceOption(), traceFormatOption(), traceColumnsOption()];
  return all.reduce((extended, option) => extended.addOption(option), command);
}

/** `--tokens`, of commands that replay. */
export function tokensOption(): Option {
  return new Option('--tokens <n>', 'tokens to replay, from the start of each trace');
}

/** `--scope`. */
export function scopeOption(): Option {
  return new Option('--scope <scope>', 'one cache for all layers, or one per layer').choices(['global', 'layer']);
}

/** `--seed`. */
export function seedOption(summary = 'seed of everything that is drawn'): Option {
  return new Option('--seed <n>', summary);
}

/**
 * Reads `--seed`.
 * @throws UserError where it is no whole number
 */
export function parseSeed(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new UserError(`--seed: '${text}' is no whole number; write e.g. --seed 7`);
  return Number(text);
}

/**
 * Reads the value of a flag that counts, 1 or more.
 * @throws UserError where it is no such number, or more than `most`
 */
export function positiveCount(flag: string, text: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = parseCount(text, flag);
  if (value < 1) throw new UserError(`${flag} ${text}: must be at least 1`);
  if (value > most) throw new UserError(`${flag} ${text}: must be at most ${most}`);
  return value;
}

/** `--allow-code`. */
export function allowCodeOption(): Option {
  return new Option('--allow-code', 'let YAML files name modules of their own (./mine.mjs): they run with your rights');
}

/** `-j`. */
export function jobsOption(what = 'runs'): Option {
  return new Option('-j, --jobs <n>', `${what} at a time (default: the machine’s cores)`);
}

/**
 * Reads `-j`.
 * @returns undefined where it was not given
 * @throws UserError where it is no number, or 0
 */
export function parseJobs(text: string | undefined): number | undefined {
  const jobs = text === undefined ? undefined : parseCount(text, '--jobs');
  if (jobs === 0) throw new UserError('--jobs: 0 at a time compute nothing; use 1 or more');
  return jobs;
}

/**
 * Reads metrics between commas.
 * @throws UserError with the nearest name, where one is none
 */
export function metricNames(text: string, flag: string): string[] {
  return text.split(',').map((part) => {
    try {
      return describeMetric(part.trim()).name;
    } catch (error) {
      throw new UserError(`${flag}: ${(error as Error).message}`);
    }
  });
}
