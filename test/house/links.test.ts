// A name that a docstring links to is one that its file knows: declared in it, imported or passed on. The pages of the library resolve links so,
// and fail where one leads nowhere.
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

/** First names that the docstrings of a file link to: `A` of `{@link A.b | text}`. */
function linkedNames({ text }: SourceFile): string[] {
  return [...text.matchAll(/\{@link\s+([\w$]+)/g)].map((match) => match[1]!);
}

/** Links of a file to names that it does not know. Where a name is a word of its code, it is declared, imported or used there. */
function strayLinks(file: SourceFile): string[] {
  const code = file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const words = new Set(code.match(/[\w$]+/g));
  return linkedNames(file)
    .filter((name) => !words.has(name))
    .map((name) => `${file.path}: ${name}`);
}

it('a docstring links to names that its file knows', () => {
  const files = sources();
  expect(files.flatMap(linkedNames).length).toBeGreaterThan(200);
  expect(files.flatMap(strayLinks)).toEqual([]);
});

it('a link to a name of another file is told', () => {
  const text = `import { a } from './a.js';
    /** As {@link a}, {@link b.c | c} and {@link d}. */
    export const b = { c: a }; // d`;
  expect(strayLinks(parse('x.ts', text))).toEqual(['x.ts: d']);
});
