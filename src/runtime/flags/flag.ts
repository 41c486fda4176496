// Flags of a runtime's command line: their names, their values, and how a line is parsed. Advice may use only these. Parsing follows the
// runtime's own source, so that a test refuses advice that the runtime would refuse.
import { UserError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import { didYouMean } from '../../base/text.js';

/** The value that a flag takes. */
type FlagValue =
  /** A switch without a value. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'count'; readonly min: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  /** Numbers between commas. */
  | { readonly kind: 'shares' }
  /** Rules `pattern=buffer` between commas, the pattern a regular expression. */
  | { readonly kind: 'overrides' }
  /** An object in JSON. */
  | { readonly kind: 'json' }
  /** Words up to the next flag. */
  | { readonly kind: 'words' };

/** A switch without a value. */
export const SWITCH: FlagValue = { kind: 'nothing' };
/** Any text. */
export const TEXT: FlagValue = { kind: 'text' };

/** A whole number of at least `min`. */
export function count(min = 0): FlagValue {
  return { kind: 'count', min };
}

/** One of some words. */
export function choice(...of: readonly string[]): FlagValue {
  return { kind: 'choice', of };
}

/** A flag that a runtime has. */
export interface Flag {
  /** All its spellings; advice uses the first. */
  readonly names: readonly string[];
  readonly takes: FlagValue;
  /** Its effect, a sentence without its full stop. */
  readonly does: string;
}

/** A program's flags, and where they were read. */
export interface Grammar {
  /** Words that start the program: `llama-server`, `vllm serve`. */
  readonly program: string;
  /** Arguments without a flag that must follow the program. */
  readonly operands: number;
  readonly version: string;
  readonly source: string;
  readonly flags: readonly Flag[];
}

/** A flag with its value; null: it takes none. */
export type FlagUse = readonly [name: string, value: string | number | null];

/** The flag with a spelling. */
export function flagOf({ flags }: Grammar, name: string): Flag | undefined {
  return flags.find(({ names }) => names.includes(name));
}

/** The line that sets flags, one list of words for each flag, the program first. */
export function wordsOf({ program }: Grammar, operands: readonly string[], uses: readonly FlagUse[]): string[][] {
  const flags = uses.map(([name, value]) => (value === null ? [name] : [name, quotedWord(String(value))]));
  return [[program, ...operands.map(quotedWord)], ...flags];
}

/** A word, quoted where a POSIX shell would split it. */
function quotedWord(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Reads a command line.
 * @returns values by the first name of each flag; switches have an empty one
 * @throws UserError where the program is another, a flag is unknown or given twice, or its value is none
 */
export function parseLine(grammar: Grammar, line: string): Map<string, string> {
  const words = shellWords(line);
  const start = grammar.program.split(' ');
  if (start.some((word, i) => words[i] !== word)) throw new UserError(`"${line}": is no line of ${grammar.program}; begin with it`);
  const values = new Map<string, string>();
  let at = start.length + grammar.operands;
  if (words.length < at || words.slice(start.length, at).some((word) => word.startsWith('-'))) {
    throw new UserError(`${grammar.program}: needs ${grammar.operands} argument before its flags; give it`);
  }
  while (at < words.length) {
    const word = words[at]!;
    const flag = flagOf(grammar, word);
    if (flag === undefined) {
      const known = grammar.flags.flatMap(({ names }) => names);
      throw new UserError(`${grammar.program}: unknown flag "${word}": ${didYouMean(word, known)}`);
    }
    const [name] = flag.names;
    if (values.has(name!)) throw new UserError(`${grammar.program}: ${word} is given twice; keep one`);
    const { next, value } = valueAfter(words, at, flag);
    values.set(name!, value);
    at = next;
  }
  return values;
}

function valueAfter(words: readonly string[], at: number, { names, takes }: Flag): { readonly value: string; readonly next: number } {
  if (takes.kind === 'nothing') return { value: '', next: at + 1 };
  const value = words[at + 1];
  if (value === undefined) throw new UserError(`${names[0]}: has no value; give it`);
  if (!isValue(takes, value)) throw new UserError(`${names[0]}: does not take "${value}"; ${wanted(takes)}`);
  let next = at + 2;
  if (takes.kind === 'words') while (next < words.length && !words[next]!.startsWith('-')) next++;
  return { value: words.slice(at + 1, next).join(' '), next };
}

function isValue(takes: FlagValue, value: string): boolean {
  switch (takes.kind) {
    case 'nothing':
      return false;
    case 'count':
      return /^\d+$/.test(value) && Number(value) >= takes.min;
    case 'number':
      return /^\d+(\.\d+)?$/.test(value) && Number(value) >= takes.min && Number(value) <= takes.max;
    case 'choice':
      return takes.of.includes(value);
    case 'shares':
      return /^\d+(\.\d+)?(,\d+(\.\d+)?)*$/.test(value);
    case 'overrides':
      return value.split(',').every(isOverride);
    case 'json':
      return isObjectText(value);
    case 'text':
    case 'words':
      return value !== '';
  }
}

function isObjectText(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** A rule as llama.cpp reads it: it cuts a list at commas and each rule at its first equals sign, so that patterns have neither. */
function isOverride(rule: string): boolean {
  const [, pattern, buffer] = /^([^=]+)=(.+)$/.exec(rule) ?? [];
  if (pattern === undefined || !/^(CPU|(CUDA|ROCm|Vulkan|SYCL)\d+|Metal)$/.test(buffer!)) return false;
  try {
    // Its patterns are those of ECMAScript (std::regex).
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}

function wanted(takes: FlagValue): string {
  switch (takes.kind) {
    case 'count':
      return `write a whole number of at least ${takes.min}`;
    case 'number':
      return `write a number of ${takes.min} to ${takes.max}`;
    case 'choice':
      return `write one of ${takes.of.join(', ')}`;
    case 'shares':
      return 'write numbers between commas';
    case 'json':
      return 'write an object in JSON';
    case 'overrides':
      return 'write pattern=buffer, e.g. exps=CPU';
    case 'nothing':
    case 'text':
    case 'words':
      return 'write a text';
  }
}

/** Words of a line as a shell splits it: quotes are taken off, a backslash before a line's end joins lines. */
export function shellWords(line: string): string[] {
  const joined = line.replaceAll(/\\\n/g, ' ');
  const words: string[] = [];
  const pattern = /(?:[^\s'"\\]+|'[^']*'|"[^"]*"|\\.)+/g;
  for (const [word] of joined.matchAll(pattern)) {
    words.push(
      word.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/g, (_, single?: string, double?: string, one?: string) => single ?? double ?? one!),
    );
  }
  return words;
}
