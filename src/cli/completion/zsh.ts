import { type CompletionValues, flatten, type Node, optionsOf, single } from './tree.js';

const script = (program: string, functions: string): string => `#compdef ${program}
# zsh completion of ${program}; made by: ${program} completion zsh
${functions}

if [ "$funcstack[1]" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;

/** A command with subcommands: options, subcommands with summaries, and cases with their functions. */
type Group = Readonly<Record<'name' | 'options' | 'children' | 'cases', string>>;

const group = ({ cases, children, name, options }: Group): string => `${name}() {
  local context state line
  _arguments -s -C \\
${options}
    '1:command:->command' \\
    '*::argument:->argument'
  case "$state" in
    command)
      local -a children=(
${children}
      )
      _describe command children
      ;;
    argument)
      case "$line[1]" in
${cases}
      esac
      ;;
  esac
}`;

/** Script for zsh. */
export function zsh(program: Node): string {
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
    return group({ name, options: options.join('\n'), children, cases });
  });
  return script(program.name, functions.join('\n\n'));
}

const functionName = (program: Node, path: readonly string[]): string =>
  `_${[program.name, ...path].join('_').replace(/[^a-zA-Z0-9_]/g, '_')}`;

function zshValues({ words, files }: CompletionValues): string {
  const named = words.map((word) => word.replace(/[\s():]/g, '\\$&')).join(' ');
  if (!files) return words.length === 0 ? ' ' : `(${named})`;
  return words.length === 0 ? '_files' : `{_values value ${named}; _files}`;
}

const zshText = (text: string): string => text.replace(/[[\]\\:]/g, '\\$&');
