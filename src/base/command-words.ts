import { UserError } from './errors.js';
import { quoted } from './text.js';

/** Splits a command line without a shell. @throws UserError for an open quote, no word, or a shell-only character */
export function commandWords(text: string, place: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  const finish = (): void => {
    if (word !== null) words.push(word);
    word = null;
  };
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (letter === '\\' && quote !== "'" && /[\s"'\\]/.test(text[i + 1] ?? '')) word = `${word ?? ''}${text[++i]!}`;
    else if (letter === quote || (quote === '' && /["']/.test(letter))) {
      quote = letter === quote ? '' : letter;
      word ??= '';
    } else if (quote === '' && /\s/.test(letter)) finish();
    else if ((quote !== "'" && /[`$]/.test(letter)) || (quote === '' && (/[|&;<>*?]/.test(letter) || (letter === '~' && word === null))))
      throw new UserError(
        `${place}: ${quoted(text.slice(i, i + 20))}: ${letter} is for a shell, and none runs it; write the words as they are`,
      );
    else word = `${word ?? ''}${letter}`;
  }
  if (quote !== '') throw new UserError(`${place}: a quote ${quote} is open; close it`);
  finish();
  if (words.length > 0) return words;
  throw new UserError(`${place}: names no program; write e.g. "llama-bench -m model.gguf"`);
}
