/** Flesch's figures of a page in Markdown: reading ease, words a sentence, syllables a word, words. */
export function readingEase(text: string): {
  readonly ease: number;
  readonly sentence: number;
  readonly syllables: number;
  readonly words: number;
};
