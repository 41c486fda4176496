import { ownValue } from '../base/objects.js';
import { bundledParts } from '../base/profiles.js';

/** Shells with a completion script. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
/** Name of a shell in {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** Completions of an argument. */
export interface CompletionValues {
  readonly words: readonly string[];
  readonly files: boolean;
}

/** A command with options and subcommands. */
export interface Node {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly names: readonly string[]; readonly summary: string; readonly value: CompletionValues | null }[];
  /** Null: no argument. */
  readonly argument: CompletionValues | null;
  readonly children: readonly Node[];
}

/** Completion script as plain text: moeprof is never called, so TAB is fast. */
export const completionScript = (shell: Shell, program: Node): string => ({ bash, zsh, fish, powershell })[shell](program);

/** All commands with their words, the program first. */
function flatten(node: Node, path: readonly string[] = []): { readonly path: readonly string[]; readonly node: Node }[] {
  return [{ path, node }, ...node.children.flatMap((child) => flatten(child, [...path, child.name]))];
}

const optionsOf = (program: Node, node: Node): Node['options'] =>
  node === program
    ? program.options
    : [...node.options, ...program.options.filter((option) => !node.options.some((other) => other.names.at(-1) === option.names.at(-1)))];

function wordsAt({ argument, children }: Node): CompletionValues {
  return { words: [...children.map(({ name }) => name), ...(argument?.words ?? [])], files: argument?.files === true };
}

/** A section of `profiles/completion.txt`, filled at `@name@`. */
const filled = (section: string, texts: Readonly<Record<string, string>>): string =>
  bundledParts('completion.txt')
    .get(section)!
    .replace(/@([a-z]+)@/g, (_, name: string) => ownValue(texts, name)!);

function bash(program: Node): string {
  const all = flatten(program);
  const valued = all.flatMap(({ path, node }) =>
    optionsOf(program, node).flatMap(({ names, value }) =>
      value === null ? [] : [`    ${names.map((name) => single(`${path.join(' ')}:${name}`)).join('|')}) ${bashValues(value)} ;;`],
    ),
  );
  const steps = all.filter(({ path }) => path.length > 0).map(({ path }) => single(`${path.slice(0, -1).join(' ')}:${path.at(-1)!}`));
  const places = all.map(({ path, node }) => {
    const { files, words } = wordsAt(node);
    const options = optionsOf(program, node).flatMap(({ names }) => names);
    return `    ${single(path.join(' '))}) words=${single(words.join(' '))}; options=${single(options.join(' '))};${files ? ' files=1;' : ''} ;;`;
  });
  const texts = { program: program.name, steps: steps.join('|'), values: valued.join('\n'), places: places.join('\n') };
  return `${filled('bash', texts)}\n`;
}

function bashValues({ words, files }: CompletionValues): string {
  const named = words.length === 0 ? [] : [`COMPREPLY=($(compgen -W ${single(words.join(' '))} -- "$current"))`];
  return [...named, ...(files ? ['COMPREPLY+=($(compgen -f -- "$current"))'] : []), 'return'].join('; ');
}

function zsh(program: Node): string {
  const functions = flatten(program).map(({ path, node }) => {
    const options = optionsOf(program, node).flatMap(({ names, summary, value }) =>
      names.map((name) => `    ${single(`*${name}[${zshText(summary)}]${value === null ? '' : `:value:${zshValues(value)}`}`)} \\`),
    );
    const name = functionName(program, path);
    if (node.children.length === 0) {
      const argument = node.argument === null ? '' : `    ${single(`*:argument:${zshValues(node.argument)}`)}`;
      return `${name}() {\n  _arguments -s \\\n${options.join('\n')}\n${argument}\n}`;
    }
    const children = node.children.map((child) => `        ${single(`${child.name}:${zshText(child.summary)}`)}`).join('\n');
    const cases = node.children.map((child) => `        ${child.name}) ${functionName(program, [...path, child.name])} ;;`).join('\n');
    return filled('zsh-group', { name, options: options.join('\n'), children, cases });
  });
  return `${filled('zsh', { program: program.name, functions: functions.join('\n\n') })}\n`;
}

const functionName = (program: Node, path: readonly string[]): string =>
  `_${[program.name, ...path].join('_').replace(/[^a-zA-Z0-9_]/g, '_')}`;

function zshValues({ words, files }: CompletionValues): string {
  const named = words.map((word) => word.replace(/[\s():]/g, '\\$&')).join(' ');
  if (!files) return words.length === 0 ? ' ' : `(${named})`;
  return words.length === 0 ? '_files' : `{_values value ${named}; _files}`;
}

const zshText = (text: string): string => text.replace(/[[\]\\:]/g, '\\$&');

function fish(program: Node): string {
  const lines = flatten(program).flatMap(({ path, node }) => {
    const condition = fishCondition(node, path);
    const children = node.children.map(
      (child) => `complete -c ${program.name} -f -n ${condition} -a ${child.name} -d ${single(child.summary)}`,
    );
    const words = node.argument?.words ?? [];
    const argument =
      words.length === 0 ? [] : [`complete -c ${program.name}${fishFiles(node.argument!)} -n ${condition} -a ${single(words.join(' '))}`];
    const options = node.options.map(({ names, summary, value }) => {
      const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ');
      const takes = value === null ? '' : ` -r${fishFiles(value)}${value.words.length === 0 ? '' : ` -a ${single(value.words.join(' '))}`}`;
      // Options of the program are valid anywhere.
      return `complete -c ${program.name}${path.length === 0 ? '' : ` -n ${condition}`} ${flags}${takes} -d ${single(summary)}`;
    });
    return [...children, ...argument, ...options];
  });
  return `# fish completion of ${program.name}; made by: ${program.name} completion fish\n${lines.join('\n')}\n`;
}

const fishFiles = ({ files }: CompletionValues): string => (files ? '' : ' -f');

/** fish condition: at the command, not at a subcommand. */
function fishCondition(node: Node, path: readonly string[]): string {
  if (path.length === 0) return single('__fish_use_subcommand');
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below = node.children.map(({ name }) => name).join(' ');
  return single([...seen, ...(below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`])].join('; and '));
}

const single = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;

/** Script for PowerShell 5.1 and newer, a native argument completer. */
function powershell(program: Node): string {
  const places = flatten(program);
  const steps = places.filter(({ path }) => path.length > 0).map(({ path }) => `    ${inQuotes(path.join(' '))}`);
  const words = places.map(({ path, node }) => `    ${inQuotes(path.join(' '))} { ${offered(wordsAt(node))} }`);
  const options = places.map(({ path, node }) => {
    const names = optionsOf(program, node).flatMap((option) => option.names);
    return `    ${inQuotes(path.join(' '))} { ${offered({ words: names, files: false })} }`;
  });
  const values = places.flatMap(({ path, node }) =>
    optionsOf(program, node).flatMap(({ names, value }) =>
      value === null ? [] : names.map((name) => `    ${inQuotes(`${path.join(' ')}:${name}`)} { $known = $true; ${offered(value)} }`),
    ),
  );
  const texts = { steps, words, options, values };
  const joined = Object.entries(texts).map(([name, lines]) => [name, lines.join('\n')]);
  return `${filled('powershell', { program: program.name, quoted: inQuotes(program.name), ...Object.fromEntries(joined) })}\n`;
}

const offered = ({ words, files }: CompletionValues): string =>
  `$words = @(${words.map(inQuotes).join(', ')})${files ? '; $files = $true' : ''}`;

const inQuotes = (text: string): string => `'${text.replaceAll("'", "''")}'`;
