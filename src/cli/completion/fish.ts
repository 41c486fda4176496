import { type CompletionValues, flatten, type Node, single } from './tree.js';

/** Script for fish. */
export function fish(program: Node): string {
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
