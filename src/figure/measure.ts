import { shorten } from '../report/door.js';

/** Size of text, px: 7 points. */
export const TEXT_PX = 9.34;
/** Mean width of a character of Helvetica, as a part of its size. */
export const CHARACTER = 0.55;
/** Extra width of the widest short word, px: a percent sign is two characters wide. */
const WIDE = 5;
/** Height of a line of text, px. */
export const LINE = 14;
/** Longest word of an axis, characters. */
export const LONGEST = 28;

/** A word of a figure, cut if it is longer than its room. @param most characters */
export const short = (word: string, most = LONGEST): string => shorten(word, most, true);

/** A name in lines, broken after what joins its parts; a longer part is broken anywhere. @param most characters of a line */
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

/** Width of the longest of some words, px. */
export function roomOf(words: readonly string[], most: number): number {
  return Math.max(0, ...words.map((word) => short(word, most).length)) * TEXT_PX * CHARACTER + WIDE;
}

/** Rounds to a hundredth of a pixel, which is not visible. */
export const round = (value: number): number => Math.round(value * 100) / 100;
