// Warnings of runs as short notes for the rows of a ranking.
import type { Result } from '../../result/result.js';
import type { Ranked } from './rank.js';

/** Texts of notes by the code of a warning; other codes are shown as they are. */
const WORDS: Readonly<Record<string, string>> = {
  'below-token-cycle': 'the cache is smaller than what one token needs',
  'dram-too-small': 'experts are read from the SSD',
  'machine-defaults': 'figures of the machine were assumed',
  'system-chosen': 'no -s given, a baseline runs',
  'page-cache': 'the page cache of the system reads experts from the SSD',
  'pass-split': 'prompts are read in several passes',
  'profiled-on-itself': 'popularity was counted on tokens that are replayed',
  'routing-reused': 'routing is used more than once',
  'streams-cut': 'long requests were cut into streams',
};

/** Codes that a ranking reports in its lead or in a heading. */
const SAID_ELSEWHERE = new Set(['does-not-fit', 'synthetic-routing']);

/** The notes of a run. */
export function notesOf({ warnings }: Result): string[] {
  const codes = [...new Set(warnings.map(({ code }) => code))].filter((code) => !SAID_ELSEWHERE.has(code));
  return codes.map((code) => WORDS[code] ?? code.replaceAll('-', ' '));
}

/** Notes that all of several runs have in common; none for a single run. */
export function sharedNotes(ranked: readonly Ranked[]): string[] {
  const [first, ...others] = ranked.map(({ result }) => notesOf(result));
  return others.length === 0 ? [] : first!.filter((note) => others.every((notes) => notes.includes(note)));
}
