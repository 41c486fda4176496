import { shorten } from '../report/door.js';

/** Text size, px: 7 points. */
export const TEXT_PX = 9.34;
/** Mean character width of Helvetica, relative to text size. */
export const CHARACTER = 0.55;
/** Extra width of short words, px: a percent sign is two characters wide. */
const WIDE = 5;
/** Line height, px. */
export const LINE = 14;
/** Maximum axis word, characters. */
export const LONGEST = 28;

/** Cuts a word to `most` characters. */
export const short = (word: string, most = LONGEST): string => shorten(word, most, true);

/** Preferably after separators. @param most characters of a line */
export function linesIn(name: string, most: number): string[] {
  const lines = [''];
  for (const part of name.split(/(?<=[-+_/,:. ])/)) {
    if (lines.at(-1) !== '' && lines.at(-1)!.length + part.trimEnd().length > most) lines.push('');
    let line = lines.pop()! + part;
    for (; line.trimEnd().length > most; line = line.slice(most)) lines.push(line.slice(0, most));
    lines.push(line);
  }
  return lines.map((line) => line.trim());
}

/** Width of the longest word, px. */
export function roomOf(words: readonly string[], most: number): number {
  return Math.max(0, ...words.map((word) => short(word, most).length)) * TEXT_PX * CHARACTER + WIDE;
}

/** Rounds to 0.01 px, invisible. */
export const round = (value: number): number => Math.round(value * 100) / 100;
