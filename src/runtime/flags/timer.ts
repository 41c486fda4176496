import type { FlagUse } from './flag.js';

interface TimedSetting {
  readonly uses: readonly FlagUse[];
  /** First decoder layers with experts in host memory. */
  readonly expertLayers: number;
  /** Tokens of context before the timings, ascending. */
  readonly depths: readonly number[];
  /** Generated tokens. */
  readonly generated: number;
  /** Folder or repository of the model, as a server names it. */
  readonly model: string;
}

/** A program that times a setting after several depths of context. */
export interface Timer {
  /** Output file: `bench.jsonl`. */
  readonly file: string;
  /** Stream with the figures, and with what was loaded. */
  readonly prints: 'stdout' | 'stderr';
  /** Commands as groups of words that stay together on a line. */
  commands(timed: TimedSetting): readonly (readonly (readonly string[])[])[];
}

/** Words in groups of a flag and its value. */
export function flagGroups(words: readonly string[]): string[][] {
  const groups: string[][] = [];
  for (const word of words)
    if (/^-+[a-z]/i.test(word)) groups.push([word]);
    else groups.at(-1)!.push(word);
  return groups;
}

/** Fewest tokens of a prompt of random text. Ours. */
const SHORT = 128;

/** A benchmark of a running server, a command for each depth: three prompts in turn. */
export function servingTimer(command: readonly string[], options: readonly (readonly string[])[] = []): Timer {
  return {
    file: 'bench.log',
    prints: 'stdout',
    commands: ({ depths, generated, model }) =>
      depths.map((depth) => [
        command,
        ...options,
        ['--model', model],
        ['--dataset-name', 'random'],
        ['--random-input-len', `${Math.max(SHORT, depth)}`],
        ['--random-output-len', `${generated}`],
        ['--num-prompts', '3'],
        ['--max-concurrency', '1'],
      ]),
  };
}
