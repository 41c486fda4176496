// Reads command lines as the runtimes' own sources do, so that a test refuses advice that the runtime would refuse.
import { UserError } from '../../../src/base/errors.js';
import { isObject } from '../../../src/base/objects.js';
import { didYouMean } from '../../../src/base/text.js';
import type { Command, Dialect } from '../../../src/runtime/flags/dialect.js';
import { type Flag, type FlagValue, flagOf, type Grammar } from '../../../src/runtime/flags/flag.js';

/** How a shell splits a line into words. */
export type Split = (line: string) => string[];

/** Lines that set a variable of Ollama's service: an override of systemd, launchctl of macOS, setx of Windows. */
const VARIABLE = /^(?:Environment="(\w+)=(\S+)"|launchctl setenv (\w+) (\S+)|setx (\w+) (\S+))$/;

/**
 * Reads a command back; what its grammar refuses is an error. Ollama's has parameters in a file, and variables in its service, LM Studio's is rows of a dialog.
 * @returns values by flag
 */
export function readCommand(
  { grammar }: Pick<Dialect, 'grammar'>,
  { steps }: Pick<Command, 'steps'>,
  split: Split = shellWords,
): Map<string, string> {
  if (grammar.program === 'LM Studio') return readRows(grammar, steps[0]!.lines);
  const file = steps.find((step) => step.file === 'Modelfile')?.lines.map((line) => shellWords(line.replace(/^PARAMETER /, '')));
  if (file === undefined) return parseLine(grammar, steps[0]!.lines.join('\n'), split);
  const variables = steps.flatMap(({ lines }) =>
    lines.flatMap((line) => (VARIABLE.exec(line) ?? []).slice(1).filter((word) => word !== undefined)),
  );
  return parseLine(grammar, ['ollama serve', ...variables, ...file.flat()].join(' '));
}

/** Reads rows of a dialog, `name: value`. @throws UserError where one is unknown, given twice, or has a value that is none */
function readRows(grammar: Grammar, lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^(.+?): (.+)$/.exec(line) ?? [];
    const flag = flagOf(grammar, name);
    if (flag === null || values.has(name) || !isValue(flag.takes, value)) throw new UserError(`"${line}": is no row of ${grammar.program}`);
    values.set(name, value);
  }
  return values;
}

/**
 * Reads a command line.
 * @returns values by the first name of each flag; switches have an empty one
 * @throws UserError where the program is another, a flag is unknown or given twice, or its value is none
 */
export function parseLine(grammar: Grammar, line: string, split: Split = shellWords): Map<string, string> {
  const words = split(line);
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
    if (flag === null) {
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
  if (takes === null) return { value: '', next: at + 1 };
  const value = words[at + 1];
  if (value === undefined) throw new UserError(`${names[0]}: has no value; give it`);
  if (!isValue(takes, value)) throw new UserError(`${names[0]}: does not take "${value}"; ${wanted(takes)}`);
  let next = at + 2;
  if (takes === 'words') while (next < words.length && !words[next]!.startsWith('-')) next++;
  return { value: words.slice(at + 1, next).join(' '), next };
}

function isValue(takes: FlagValue, value: string): boolean {
  switch (takes) {
    case null:
      return false;
    case 'share':
      return /^\d+(\.\d+)?$/.test(value) && Number(value) <= 1;
    case 'shares':
      return /^\d+(\.\d+)?(,\d+(\.\d+)?)*$/.test(value);
    case 'overrides':
      return value.split(',').every(isOverride);
    case 'json':
      return isObjectText(value);
    case 'text':
    case 'words':
      return value !== '';
    default:
      return 'least' in takes ? /^\d+$/.test(value) && Number(value) >= takes.least : takes.includes(value);
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
  switch (takes) {
    case 'share':
      return 'write a number of 0 to 1';
    case 'shares':
      return 'write numbers between commas';
    case 'json':
      return 'write an object in JSON';
    case 'overrides':
      return 'write pattern=buffer, e.g. exps=CPU';
    case null:
    case 'text':
    case 'words':
      return 'write a text';
    default:
      return 'least' in takes ? `write a whole number of at least ${takes.least}` : `write one of ${takes.join(', ')}`;
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

/** Characters that PowerShell and cmd take as more than themselves outside of quotes. */
const SPECIAL = { powershell: /[`$@(){};,|&<>"#]/, cmd: /[&|<>()^%!]/ } as const;

/**
 * Words of a line as PowerShell splits it (about_Parsing, argument mode; about_Quoting_Rules): single quotes hold all but themselves, which are doubled.
 * @throws Error where a word outside of quotes has a character that is more than itself
 */
export function powershellWords(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.replaceAll(/`\n/g, ' ').matchAll(/(?:'(?:[^']|'')*'|[^\s'])+/g)) {
    const bare = word.replaceAll(/'(?:[^']|'')*'/g, '');
    if (SPECIAL.powershell.test(bare)) throw new Error(`${bare}: PowerShell takes this apart`);
    words.push(word.replaceAll(/'((?:[^']|'')*)'/g, (_, inner: string) => inner.replaceAll("''", "'")));
  }
  return words;
}

/**
 * Words of a line as cmd hands it on and the C runtime splits it (Parsing C command-line arguments): quotes group, a backslash before a quote escapes it,
 * and pairs of backslashes before a quote are one each.
 * @throws Error where cmd would take a character as more than itself
 */
export function cmdWords(line: string): string[] {
  const words: string[] = [];
  let [word, begun, quoted] = ['', false, false];
  const joined = line.replaceAll(/\^\n/g, '');
  if ((joined.match(/%/g) ?? []).length > 1) throw new Error(`${joined}: cmd expands what stands between percent signs`);
  for (let at = 0; at < joined.length; at++) {
    const slashes = /^\\+(?=")/.exec(joined.slice(at))?.[0].length ?? 0;
    if (slashes > 0) {
      word += '\\'.repeat(slashes >> 1);
      at += slashes;
      begun = true;
      if (slashes % 2 === 1) word += '"';
      else quoted = !quoted;
      continue;
    }
    const one = joined[at]!;
    if (one === '"') [quoted, begun] = [!quoted, true];
    else if (!quoted && /\s/.test(one)) {
      if (begun) words.push(word);
      [word, begun] = ['', false];
    } else {
      if (!quoted && SPECIAL.cmd.test(one)) throw new Error(`${one}: cmd takes this apart`);
      [word, begun] = [word + one, true];
    }
  }
  return begun ? [...words, word] : words;
}

/** The words of each shell. */
export const SPLITS: Readonly<Record<string, Split>> = { sh: shellWords, powershell: powershellWords, cmd: cmdWords };
