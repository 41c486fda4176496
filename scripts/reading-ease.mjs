// How easily pages read: Flesch's reading ease, 206.835 - 1.015 words a sentence - 84.6 syllables a word (Journal of Applied Psychology 32, 1948);
// 60 to 70 is plain English. A full stop, a question mark, an exclamation mark or the end of a block ends a sentence; colons and semicolons
// do not, so that nothing is won by them. Only prose counts: no headings, tables, code, pictures or marks of lists; a link is its text.
//   node scripts/reading-ease.mjs [PAGE ...]    prints ease, words a sentence, syllables a word and words of each page
import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** The prose of a page in Markdown, one block (paragraph or item of a list) an entry. */
function proseOf(text) {
  const plain = text
    .replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '')
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/^#.*$/gm, '')
    .replaceAll(/^(?: {4}(?! *(?:[-*]|\d+\.) )| {0,3}\|| {7}).*$/gm, '')
    .replaceAll(/`[^`]*`/g, ' ')
    .replaceAll(/!\[[^\]]*\]\([^)]*\)|<[^>]*>/g, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/https?:\S+/g, ' ');
  return plain.split(/\n\s*\n|\n(?= *(?:[-*]|\d+\.) )/).map((block) => block.replace(/^\s*(?:[-*]|\d+\.) /, ''));
}

/** Syllables of a word: groups of vowels, less a silent e at its end; one at least. A number is a word of one syllable. */
function syllablesOf(word) {
  const letters = word.toLowerCase().replaceAll(/[^a-z]/g, '');
  const groups = letters
    .replace(/(?:[^laeiouy]|[aeiou]l)e$|(?<=[^aeioutd])ed$|(?<=[^aeiouscxzgh])es$/, (end) => end.replaceAll('e', ''))
    .match(/[aeiouy]+/g);
  return Math.max(1, groups?.length ?? 0);
}

/** Flesch's figures of a page in Markdown. @returns {{ ease: number, sentence: number, syllables: number, words: number }} */
export function readingEase(text) {
  const sentences = proseOf(text)
    .flatMap((block) => block.split(/[.?!](?=\s|$)/))
    .map((sentence) => sentence.match(/[\p{L}\p{N}][\p{L}\p{N}.,'’%-]*/gu) ?? [])
    .filter((words) => words.length > 0);
  const words = sentences.flat();
  const sentence = words.length / Math.max(1, sentences.length);
  const syllables = words.reduce((sum, word) => sum + syllablesOf(word), 0) / Math.max(1, words.length);
  return { ease: 206.835 - 1.015 * sentence - 84.6 * syllables, sentence, syllables, words: words.length };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const given = process.argv.slice(2);
  const all = ['README.md', ...readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []))];
  for (const page of given.length > 0 ? given : all) {
    const { ease, sentence, syllables, words } = readingEase(readFileSync(page, 'utf8'));
    console.log(
      `${ease.toFixed(1).padStart(6)}  ${sentence.toFixed(1).padStart(5)}  ${syllables.toFixed(2)}  ${`${words}`.padStart(6)}  ${page}`,
    );
  }
}
