// Flags of command lines, from `profiles/flags.yaml`. Advice uses no further flags: a test parses each line like the
// runtime's source.
import { z } from 'zod';
import { ownValue } from '../../base/objects.js';
import { bundledFile } from '../../base/profiles.js';
import type { LineShell } from '../../base/shell.js';
import { readOwnYaml } from '../../base/yaml.js';
import { type AllocationRules, RULES } from '../allocation/graph/load-plan.js';

const flagValue = z.discriminatedUnion('kind', [
  // Shares: comma-separated numbers; overrides: comma-separated `pattern=buffer`; words: up to the next flag.
  z.strictObject({ kind: z.enum(['nothing', 'text', 'shares', 'overrides', 'json', 'words']) }),
  z.strictObject({ kind: z.literal('count'), min: z.int() }),
  z.strictObject({ kind: z.literal('number'), min: z.number(), max: z.number() }),
  z.strictObject({ kind: z.literal('choice'), of: z.array(z.string()) }),
]);

/** Value of a flag. */
export type FlagValue = z.infer<typeof flagValue>;

const flagSchema = z.strictObject({
  /** All spellings; advice uses the first. */
  names: z.array(z.string()).min(1),
  takes: flagValue,
  /** Effect, a sentence without a full stop. */
  does: z.string(),
});

/** A flag of a runtime. */
export type Flag = z.infer<typeof flagSchema>;

const programSchema = z.strictObject({
  /** Words that start the program: `llama-server`, `vllm serve`. */
  program: z.string(),
  operands: z.int().optional(),
  version: z.string(),
  source: z.string(),
  /** Name of a shared flag group, listed first. */
  shares: z.string().optional(),
  flags: z.array(flagSchema),
  /** Allocation rules, with first and last builds; absent: unknown. */
  allocation: z.partialRecord(z.enum(RULES), z.strictObject({ since: z.int().optional(), until: z.int().optional() })).optional(),
});

/** Flags of a program, with source. */
export type Grammar = Omit<z.infer<typeof programSchema>, 'shares' | 'allocation'>;

const fileSchema = z.strictObject({
  rules: z.record(z.enum(RULES), z.string()),
  shared: z.record(z.string(), z.array(flagSchema)),
  programs: z.record(z.string(), programSchema),
});

let read: z.infer<typeof fileSchema> | undefined;

function tables(): NonNullable<typeof read> {
  read ??= readOwnYaml(bundledFile('flags.yaml'), fileSchema);
  return read;
}

function programOf(runtime: string): z.infer<typeof programSchema> {
  const program = ownValue(tables().programs, runtime);
  if (program === undefined) throw new Error(`profiles/flags.yaml has no program ${runtime}, which advice is given on`);
  return program;
}

/** Flags of a runtime with advice. @throws Error without a row of the file */
export function grammarOf(runtime: string): Grammar {
  const { shared } = tables();
  const { allocation: _, shares, ...program } = programOf(runtime);
  return shares === undefined ? program : { ...program, flags: [...ownValue(shared, shares)!, ...program.flags] };
}

/** Allocation rules of a program's build, by default the newest. */
export function allocationRules(runtime: string, build = Number.MAX_SAFE_INTEGER): AllocationRules {
  const { allocation = {} } = programOf(runtime);
  const holds = (rule: (typeof RULES)[number]): boolean => {
    const { since = 0, until = Number.POSITIVE_INFINITY } = allocation[rule] ?? { until: 0 };
    return build >= since && build < until;
  };
  return Object.fromEntries(RULES.map((rule) => [rule, holds(rule)])) as AllocationRules;
}

/** A flag with a value; null: no value. */
export type FlagUse = readonly [name: string, value: string | number | null];

/** Flag by spelling. */
export function flagOf({ flags }: Grammar, name: string): Flag | undefined {
  return flags.find(({ names }) => names.includes(name));
}

/** Words of a command line, a list per flag, the program first. */
export function wordsOf({ program }: Grammar, operands: readonly string[], uses: readonly FlagUse[], { quoted }: LineShell): string[][] {
  const flags = uses.map(([name, value]) => (value === null ? [name] : [name, quoted(String(value))]));
  return [[program, ...operands.map(quoted)], ...flags];
}
