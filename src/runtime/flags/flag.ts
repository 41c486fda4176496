// Flags of a runtime's command line, from `profiles/flags.yaml`: their names and their values. Advice may use only these: a test parses each line
// as the runtime's own source does.
import { z } from 'zod';
import { ownValue } from '../../base/objects.js';
import { bundledFile } from '../../base/profiles.js';
import type { LineShell } from '../../base/shell.js';
import { readOwnYaml } from '../../base/yaml.js';
import { type AllocationRules, RULES } from '../allocation/graph/load-plan.js';

const flagValue = z.discriminatedUnion('kind', [
  // Nothing; any text; numbers between commas; rules `pattern=buffer` between commas; an object in JSON; words up to the next flag.
  z.strictObject({ kind: z.enum(['nothing', 'text', 'shares', 'overrides', 'json', 'words']) }),
  z.strictObject({ kind: z.literal('count'), min: z.int() }),
  z.strictObject({ kind: z.literal('number'), min: z.number(), max: z.number() }),
  z.strictObject({ kind: z.literal('choice'), of: z.array(z.string()) }),
]);

/** The value that a flag takes. */
export type FlagValue = z.infer<typeof flagValue>;

const flagSchema = z.strictObject({
  /** All its spellings; advice uses the first. */
  names: z.array(z.string()).min(1),
  takes: flagValue,
  /** Its effect, a sentence without its full stop. */
  does: z.string(),
});

/** A flag that a runtime has. */
export type Flag = z.infer<typeof flagSchema>;

const programSchema = z.strictObject({
  /** Words that start the program: `llama-server`, `vllm serve`. */
  program: z.string(),
  /** Arguments without a flag that must follow the program; absent: none. */
  operands: z.int().optional(),
  /** Version or day of the source of the flags. */
  version: z.string(),
  source: z.string(),
  /** Name of flags that it shares with other programs; they come first. */
  shares: z.string().optional(),
  flags: z.array(flagSchema),
  /** How it allocates memory: rules that hold, and the builds from which on or before which they do; absent: it is not known. */
  allocation: z.partialRecord(z.enum(RULES), z.strictObject({ since: z.int().optional(), until: z.int().optional() })).optional(),
});

/** A program's flags, with their source. */
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

/** The flags of a runtime that advice is given for. @throws Error if the file has none */
export function grammarOf(runtime: string): Grammar {
  const { shared } = tables();
  const { allocation: _, shares, ...program } = programOf(runtime);
  return shares === undefined ? program : { ...program, flags: [...ownValue(shared, shares)!, ...program.flags] };
}

/** How a build of a program allocates memory; the newest unless given. */
export function allocationRules(runtime: string, build = Number.MAX_SAFE_INTEGER): AllocationRules {
  const { allocation = {} } = programOf(runtime);
  const holds = (rule: (typeof RULES)[number]): boolean => {
    const { since = 0, until = Number.POSITIVE_INFINITY } = allocation[rule] ?? { until: 0 };
    return build >= since && build < until;
  };
  return Object.fromEntries(RULES.map((rule) => [rule, holds(rule)])) as AllocationRules;
}

/** A flag with its value; null: it takes none. */
export type FlagUse = readonly [name: string, value: string | number | null];

/** The flag with a spelling. */
export function flagOf({ flags }: Grammar, name: string): Flag | undefined {
  return flags.find(({ names }) => names.includes(name));
}

/** The line that sets flags, one list of words for each flag, the program first. */
export function wordsOf({ program }: Grammar, operands: readonly string[], uses: readonly FlagUse[], { quoted }: LineShell): string[][] {
  const flags = uses.map(([name, value]) => (value === null ? [name] : [name, quoted(String(value))]));
  return [[program, ...operands.map(quoted)], ...flags];
}
