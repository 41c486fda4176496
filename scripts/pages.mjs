// The kinds of pages that moeprof writes, with the commands that write them: scripts/pages.txt.
import { readFileSync } from 'node:fs';

/** Widths at which pages are looked at, CSS pixels. */
export const WIDTHS = [400, 768, 1400, 1920];

/** Commands in their order; `kind`: the page, null where there is none; `makes`: what later ones read. */
export function pageCommands() {
  const lines = readFileSync(new URL('pages.txt', import.meta.url), 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('moeprof '))
    .map((line) => {
      const args = line.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ''));
      const kind = args.find((word) => word.endsWith('.html'))?.slice(0, -5) ?? null;
      const makes = kind === null || args.some((word, at) => args[at - 1] === '-o' && !word.endsWith('.html'));
      return { args: args.slice(1), kind, makes };
    });
}
