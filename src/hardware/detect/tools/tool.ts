import { definedFields } from '../../../base/objects.js';
import type { Seen, SeenLink } from './seen.js';

/** The question to a tool: a program, files, or the library `systeminformation`. */
export type ToolQuestion =
  | { readonly kind: 'command'; readonly argv: readonly [program: string, ...args: string[]] }
  | { readonly kind: 'files' /** Paths; a `*` stands for any part of one name. */; readonly paths: readonly string[] }
  | { readonly kind: 'library' };

/** The contract of a tool, a source of facts: its query, its systems, and how the answer, of any machine, is read. */
export interface Tool {
  /** As it is called, and as fixtures are named. */
  readonly name: string;
  /** Systems on which it runs; absent: Linux. */
  readonly platforms?: readonly string[];
  readonly question: ToolQuestion;
  /** The facts that it reports, for the list of facts that were not seen. */
  readonly tells: string;
  /** True if a fact of this tool is missing from all answers, so that its failure matters. */
  missing(seen: Seen): boolean;
  /** Reads an answer, without the parts that it does not understand. Each file follows a line `==> path <==`. */
  read(answer: string): Seen;
}

/** Files of an answer by path. */
export function filesOf(answer: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const part of answer.split(/^==> (?=.+ <==$)/m).slice(1)) {
    const end = part.indexOf(' <==');
    files.set(part.slice(0, end), part.slice(end + 4).trim());
  }
  return files;
}

/** Generation of PCIe by its transfers a second: `16.0 GT/s PCIe` is 4; undefined if it is none. */
export function generationOf(speed: string | undefined): number | undefined {
  const rate = /([\d.]+)\s*GT\/s/.exec(speed ?? '')?.[1];
  const generation = [2.5, 5, 8, 16, 32, 64].indexOf(Number(rate)) + 1;
  return generation === 0 ? undefined : generation;
}

/** A link from its known fields. */
export const linkOf = (generation: number | undefined, lanes: number | undefined, mostLanes?: number): SeenLink =>
  definedFields({ generation, lanes, mostLanes });

/** Flags of instruction sets, in lower case. */
export function flagsOf(text: string | undefined): string[] {
  return (text ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((flag) => flag !== '');
}

/** A whole number above 0; undefined if a text is none. */
export function countOf(text: string | undefined): number | undefined {
  const value = Number.parseInt(text ?? '', 10);
  return value > 0 ? value : undefined;
}
