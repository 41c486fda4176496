// Reads command lines as the runtimes' own sources do, so that a test refuses advice that the runtime would refuse.
import { UserError } from '../../../src/base/errors.js';
import { isObject } from '../../../src/base/objects.js';
import { didYouMean } from '../../../src/base/text.js';
import type { Command, Dialect } from '../../../src/runtime/flags/dialect.js';
import { type Flag, type FlagValue, flagOf, type Grammar } from '../../../src/runtime/flags/flag.js';

/**
 * Reads a command back; what its grammar refuses is an error. Ollama's has parameters in a file, and variables before its program, LM Studio's is rows
 * of a dialog.
 * @returns values by flag
 */
export function readCommand({ grammar }: Pick<Dialect, 'grammar'>, { steps }: Pick<Command, 'steps'>): Map<string, string> {
  if (steps[0]!.title !== undefined) return readRows(grammar, steps[0]!.lines);
  const file = steps.find((step) => step.file !== null)?.lines.map((line) => shellWords(line.replace(/^PARAMETER /, '')));
  if (file === undefined) return parseLine(grammar, steps[0]!.lines.join('\n'));
  const server = steps.find(({ lines }) => lines.some((line) => line.endsWith('ollama serve')))!.lines.join('\n');
  const variables = shellWords(server)
    .filter((word) => word.includes('='))
    .map((word) => word.split('='));
  if (!/^(?:[A-Z_]+=\S+\s+(?:\\\n\s*)?)*ollama serve$/.test(server)) throw new UserError(`"${server}": is no line of ollama serve`);
  return parseLine(grammar, ['ollama serve', ...[...variables, ...file].flat()].join(' '));
}

/** Reads rows of a dialog, `name: value`. @throws UserError where one is unknown, given twice, or has a value that is none */
function readRows(grammar: Grammar, lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^(.+?): (.+)$/.exec(line) ?? [];
    const flag = flagOf(grammar, name);
    if (flag === undefined || values.has(name) || !isValue(flag.takes, value))
      throw new UserError(`"${line}": is no row of ${grammar.program}`);
    values.set(name, value);
  }
  return values;
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
  const { operands = 0 } = grammar;
  let at = start.length + operands;
  if (words.length < at || words.slice(start.length, at).some((word) => word.startsWith('-'))) {
    throw new UserError(`${grammar.program}: needs ${operands} argument before its flags; give it`);
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
