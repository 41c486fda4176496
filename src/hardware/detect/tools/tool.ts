import { definedFields } from '../../../base/objects.js';
import type { Seen, SeenLink } from './seen.js';

/** Query of a tool: a program, files, or the library `systeminformation`. */
export type ToolQuestion =
  | { readonly kind: 'command'; readonly argv: readonly [program: string, ...args: string[]] }
  | { readonly kind: 'files' /** Paths; a `*` stands for any part of one name. */; readonly paths: readonly string[] }
  | { readonly kind: 'library' };

/** A source of facts: query, systems, and a reader of answers. */
export interface Tool {
  /** Name, also of fixtures. */
  readonly name: string;
  readonly platforms?: readonly string[];
  readonly question: ToolQuestion;
  /** Reported facts, for the list of unseen facts. */
  readonly tells: string;
  /** True if a fact of the tool is missing from all answers. */
  missing(seen: Seen): boolean;
  /** Reads an answer, skipping unknown parts. File format: {@link filesOf}. */
  read(answer: string): Seen;
}

/** Files of an answer by path; each follows a line `==> path <==`. */
export function filesOf(answer: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const part of answer.split(/^==> (?=.+ <==$)/m).slice(1)) {
    const end = part.indexOf(' <==');
    files.set(part.slice(0, end), part.slice(end + 4).trim());
  }
  return files;
}

/** PCIe generation by transfer rate: `16.0 GT/s PCIe` is 4; undefined if malformed. */
export function generationOf(speed: string | undefined): number | undefined {
  const rate = /([\d.]+)\s*GT\/s/.exec(speed ?? '')?.[1];
  const generation = [2.5, 5, 8, 16, 32, 64].indexOf(Number(rate)) + 1;
  return generation === 0 ? undefined : generation;
}

/** Link without absent fields. */
export const linkOf = (generation: number | undefined, lanes: number | undefined, mostLanes?: number): SeenLink =>
  definedFields({ generation, lanes, mostLanes });

/** Lower-case instruction-set flags. */
export function flagsOf(text: string | undefined): string[] {
  return (text ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((flag) => flag !== '');
}

/** A whole number above 0; undefined otherwise. */
export function countOf(text: string | undefined): number | undefined {
  const value = Number.parseInt(text ?? '', 10);
  return value > 0 ? value : undefined;
}
