// Comments of src are few and use the plain words of a reader, and locals name what they are: counts that may only fall. Each allowance is the count
// that is reached, within SLACK: where a count has fallen further, its allowance is lowered.
import { type BindingPattern, type ParamPattern, Visitor } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

/** By what a word stands in for: its pattern in comments, and how often it may stand there. */
const WORDS: readonly (readonly [instead: string, pattern: RegExp, allowance: number])[] = [
  ['`where` for `if`', /\bwhere\b/gi, 12],
  ['things that say, tell, ask and know', /\b(?:tells?|told|says?|said|asks?|asked|knows?|knew)\b/gi, 16],
  ['`beside`, `behind` and `in place of` for `with`, `after` and `instead of`', /\b(?:beside|behind|in place of)\b/gi, 26],
];

/** Pronouns and pointers: a noun in their place needs no search for what is meant. */
const POINTERS =
  /^(?:its?|itself|ones?|that|which|those|these|this|none|the(?:y|m|irs?|mselves)|what(?:ever)?|whichever|who[ms]?|whose|such|both|others?|another|t?here|where)$/i;

/** Most words in comments of src, and the part of them that may be {@link POINTERS}. */
const MOST_WORDS = 96_900;
const POINTED = 0.06;

/** Names that say nothing of a value, and how many locals may have one. */
const NAMELESS = new Set(['one', 'own', 'said', 'told']);
const NAMELESS_LOCALS = 8;

/** Most by which an allowance may exceed its count. */
const SLACK = 16;

/** Words of a pattern in the comments of a file, without code in backquotes. */
function wordsIn({ comments }: SourceFile, pattern: RegExp): string[] {
  return comments.flatMap(({ value }) => [...value.replace(/`[^`]*`/g, '').matchAll(pattern)].map(([word]) => word));
}

/** Names of the variables of a file, and of the parameters of its functions that have a body. */
function localsIn({ program }: SourceFile): string[] {
  const found: string[] = [];
  const bind = (pattern: BindingPattern | ParamPattern): void => {
    if (pattern.type === 'Identifier') found.push(pattern.name);
    else if (pattern.type === 'ObjectPattern')
      for (const part of pattern.properties) bind(part.type === 'RestElement' ? part.argument : part.value);
    else if (pattern.type === 'ArrayPattern') for (const part of pattern.elements) part !== null && bind(part);
    else if (pattern.type === 'AssignmentPattern') bind(pattern.left);
    else if (pattern.type === 'RestElement') bind(pattern.argument);
    else bind(pattern.parameter);
  };
  const parameters = ({ params }: { params: ParamPattern[] }): void => params.forEach(bind);
  new Visitor({
    VariableDeclarator: ({ id }) => bind(id),
    FunctionDeclaration: parameters,
    FunctionExpression: parameters,
    ArrowFunctionExpression: parameters,
  }).visit(program);
  return found;
}

/** `path: count` of the files with the most, for a message. */
const worst = (counts: readonly (readonly [path: string, count: number])[]): string =>
  counts
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 8)
    .map(([path, count]) => `${path}: ${count}`)
    .join(', ');

/** Fails if a count exceeds its allowance, or is so far below it that the allowance is to be lowered. */
function expectWithin(counts: readonly (readonly [path: string, count: number])[], allowance: number): void {
  const count = counts.reduce((sum, [, own]) => sum + own, 0);
  expect(count, `rewrite some of ${worst(counts)}`).toBeLessThanOrEqual(allowance);
  expect(count, `lower the allowance of ${allowance}`).toBeGreaterThanOrEqual(allowance - SLACK);
}

describe('comments of src', () => {
  it.each(WORDS)('hold few of %s', (_instead, pattern, allowance) => {
    expectWithin(
      sources().map((file) => [file.path, wordsIn(file, pattern).length]),
      allowance,
    );
  });
});

it('comments of src are short, and name what they are of', () => {
  const words = sources().flatMap((file) => wordsIn(file, /[A-Za-z][A-Za-z'-]*/g));
  expect(words.length).toBeLessThanOrEqual(MOST_WORDS);
  expect(words.filter((word) => POINTERS.test(word)).length / words.length).toBeLessThan(POINTED);
});

it('few locals of src have a name that says nothing', () => {
  expectWithin(
    sources().map((file) => [file.path, localsIn(file).filter((name) => NAMELESS.has(name)).length]),
    NAMELESS_LOCALS,
  );
});

it('words in comments are found, those in code are not', () => {
  const file = parse(
    'a.ts',
    "// Where it says so.\nconst where = 'where';\n/** `where` it is, and\n * somewhere where none is. */\nexport const a = where;",
  );
  expect(wordsIn(file, WORDS[0]![1])).toEqual(['Where', 'where']);
  expect(wordsIn(file, WORDS[1]![1])).toEqual(['says']);
  expect(wordsIn(parse('a.ts', '// In place of one, behind it.'), WORDS[2]![1])).toEqual(['In place of', 'behind']);
});

it('locals are found, properties and types are not', () => {
  const text = `const { own, a: one, ...said } = b, [told = 1, , ...c] = d; function e(f: number, { g = 1 } = {}): void {}
    const h = (i: (own: number) => void, ...j: string[]) => i; class K { own = 1; constructor(readonly l: number) {} m(n: number) {} }`;
  expect(localsIn(parse('a.ts', text)).sort()).toEqual(['own', 'one', 'said', 'told', 'c', 'f', 'g', 'h', 'i', 'j', 'l', 'n'].sort());
});

it('a count fails above its allowance, and far below it', () => {
  expect(() => expectWithin([['a.ts', 3]], 2)).toThrow('rewrite some of a.ts: 3');
  expect(() => expectWithin([['a.ts', 2]], 2 + SLACK + 1)).toThrow('lower the allowance');
  expectWithin([['a.ts', 2]], 2);
});
