// Commands on a page, and what the page shows below each.
import { readFileSync } from 'node:fs';
import { type Finished, inTurn } from './moeprof.js';

/** A command of a page. */
export interface Screen {
  readonly command: string;
  /** The lines below it up to the next command; empty where none are shown. A line `...` stands for lines that are left out. */
  readonly screen: string;
}

/**
 * Commands in the blocks of a page that are indented by four, in order. A line that ends with a backslash goes on in the next one.
 * @param path relative to the repository
 */
export function screensOf(path: string): Screen[] {
  let page = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  // Lines of a command are joined, those of a screen stay.
  for (let before = ''; before !== page; ) [before, page] = [page, page.replaceAll(/^( {4}moeprof .*) \\\n +/gm, '$1 ')];
  const blocks = [...page.matchAll(/(?:^ {4}.*\n|(?<=^ {4}.*\n)\n(?= {4}))+/gm)].map(([block]) =>
    block.replaceAll(/^ {4}/gm, '').split('\n'),
  );
  return blocks.flatMap((lines) =>
    lines.flatMap((line, at) => {
      if (!line.startsWith('moeprof ')) return [];
      const next = lines.findIndex((other, i) => i > at && other.startsWith('moeprof '));
      const screen = lines.slice(at + 1, next < 0 ? undefined : next);
      return [{ command: line, screen: screen.join('\n').trimEnd() }];
    }),
  );
}

/** The words of a command behind its name, as a shell takes them: what stands in quotes is one. */
export function argumentsOf(command: string): string[] {
  return command
    .match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)!
    .map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''))
    .slice(1);
}

/** Runs a command of a page in a folder. */
export const typed = (command: string, cwd: string): Promise<Finished> => inTurn(argumentsOf(command), { cwd });
