// Nothing from data is a program: src, the code of the page and the recorders make regular expressions of literals alone, and evaluate nothing.
// What a user or a file writes as a pattern goes through base/pattern.ts, whose time is bounded.
import { readdirSync, readFileSync } from 'node:fs';
import { type Argument, type Expression, Visitor } from 'oxc-parser';
import { expect, it } from 'vitest';
import { filesIn, parse, type SourceFile, sources } from './source.js';

/** Methods of a text that make a regular expression of what they take, if it is none. */
const MAKING = ['match', 'search'];

/** `path:line: code` of what makes a program of anything but a literal. */
function madeOfData({ path, program, text }: SourceFile): string[] {
  const found: string[] = [];
  const tell = ({ start, end }: { readonly start: number; readonly end: number }): void => {
    found.push(`${path}:${text.slice(0, start).split('\n').length}: ${text.slice(start, end).split('\n')[0]}`);
  };
  const isText = (argument?: Argument): boolean =>
    (argument?.type === 'Literal' && !('regex' in argument)) || (argument?.type === 'TemplateLiteral' && argument.expressions.length === 0);
  const check = (node: {
    readonly callee: Expression;
    readonly arguments: readonly Argument[];
    readonly start: number;
    readonly end: number;
  }): void => {
    const { callee } = node;
    const [first] = node.arguments;
    const name = text.slice(callee.start, callee.end).replace(/^(globalThis|window|self)\??\./, '');
    if (name === 'eval' || name === 'Function' || (name === 'RegExp' && !isText(first))) tell(node);
    if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') return;
    if (MAKING.includes(callee.property.name) && !(first?.type === 'Literal' && 'regex' in first)) tell(node);
  };
  new Visitor({ CallExpression: check, NewExpression: check }).visit(program);
  return found;
}

/** As {@link madeOfData}, of a text in Python: the first argument of a function of `re` is a literal. */
const madeInPython = (path: string, text: string): string[] =>
  text
    .split('\n')
    .flatMap((line, i) =>
      /\bre\.(compile|match|fullmatch|search|sub|split|findall|finditer)\((?!\s*r?["'])|(?<![\w.])(eval|exec|compile|__import__)\(/.test(
        line,
      )
        ? [`${path}:${i + 1}: ${line.trim()}`]
        : [],
    );

it('src and the code of the page make no regular expression of data', () => {
  const page = filesIn('src', /\.js$/);
  expect(page.map(({ path }) => path)).toContain('src/play/client/play.js');
  expect([...sources(), ...page, ...filesIn('bin', /\.js$/)].flatMap(madeOfData)).toEqual([]);
});

it('recorders make none, either', () => {
  const folder = new URL('../../recorders/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.py'));
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap((name) => madeInPython(name, readFileSync(new URL(name, folder), 'utf8')))).toEqual([]);
});

it('one that does is told', () => {
  const made = [
    'new RegExp(name);',
    'RegExp(name);',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the text that is checked
    'new RegExp(`^${name}$`);',
    "new RegExp(name + '$');",
    'new RegExp(OTHER.source);',
    'new globalThis.RegExp(name);',
    'text.match(name);',
    "text.search('a.c');",
    'eval(name);',
    "new Function('a', name);",
  ];
  const fine = [
    "new RegExp('a.c');",
    'RegExp(`a`);',
    'text.match(/a/);',
    'text.search(/a/g);',
    'text.matchAll(PATTERN);',
    'redis.eval(SCRIPT);',
    '/a/.exec(name);',
  ];
  expect(madeOfData(parse('a.ts', [...made, ...fine].join('\n')))).toEqual(
    made.map((line, i) => `a.ts:${i + 1}: ${line.replace(/;$/, '')}`),
  );
  expect(madeInPython('a.py', 're.compile(name)\nre.sub(r"a", b)\nmodel.eval()\nexec(code)\nre.match("a", b)')).toEqual([
    'a.py:1: re.compile(name)',
    'a.py:4: exec(code)',
  ]);
});
