// A function fits on a screen: at most 70 lines, those of functions within it counted. In tests that is what `describe` takes, too.
import { type Function as FunctionNode, type Node, Visitor } from 'oxc-parser';
import { expect, it } from 'vitest';
import { filesIn, parse, type SourceFile, sources } from './source.js';

const MOST_LINES = 70;

/** Name and lines of each function of a file, `path: name: lines`, of those that are longer than `most`. */
function longFunctions({ path, program, text }: SourceFile, most: number): string[] {
  const found: string[] = [];
  const names = new Map<number, string>();
  const named = (name: string, value: Node | null): void => {
    if (value !== null) names.set(value.start, name);
  };
  const nameOf = (key: Node): string => text.slice(key.start, key.end);
  const measure = (node: { start: number; end: number }, own?: string): void => {
    const lines = text.slice(node.start, node.end).split('\n').length;
    if (lines > most) found.push(`${path}: ${own ?? names.get(node.start) ?? 'a function'}: ${lines} lines`);
  };
  new Visitor({
    CallExpression: ({ arguments: given, callee }) => {
      const last = given.at(-1);
      if (last?.type !== 'ArrowFunctionExpression' && last?.type !== 'FunctionExpression') return;
      const called = nameOf(callee).replace(/\(.*/s, '');
      named(given.length === 1 ? called : `${called}(${nameOf(given[0]!)})`, last);
    },
    VariableDeclarator: ({ id, init }) => named(nameOf(id), init),
    Property: ({ key, value }) => named(nameOf(key), value),
    PropertyDefinition: ({ key, value }) => named(nameOf(key), value),
    MethodDefinition: ({ key, value }) => named(nameOf(key), value),
    FunctionDeclaration: (node: FunctionNode) => measure(node, node.id?.name),
    FunctionExpression: (node) => measure(node),
    ArrowFunctionExpression: (node) => measure(node),
  }).visit(program);
  return found;
}

it('no function of src is longer', () => {
  const found = sources().flatMap((file) => longFunctions(file, MOST_LINES));
  expect(found).toEqual([]);
});

it.each([
  ['src/report/page/client', /\.js$/, 4],
  ['test', /\.m?ts$/, 400],
  ['scripts', /\.m[jt]s$/, 10],
  ['bench', /\.mjs$/, 15],
])('none of %s is', (folder, names, least) => {
  const files = filesIn(folder, names);
  expect(files.length).toBeGreaterThanOrEqual(least);
  expect(files.flatMap((file) => longFunctions(file, MOST_LINES))).toEqual([]);
});

it.each([
  ['function long() {\n\n}', 'long'],
  ['export async function* long() {\n\n}', 'long'],
  ['const long = () => {\n\n};', 'long'],
  ['const long = function () {\n\n};', 'long'],
  ['const it = { long() {\n\n} };', 'long'],
  ['const it = { long: (a: number): number => {\n\nreturn a; } };', 'long'],
  ['class It { #long() {\n\n} }', '#long'],
  ['class It { constructor() {\n\n} }', 'constructor'],
  ['call(() => {\n\n});', 'call'],
  ["describe('what', () => {\n\n});", "describe('what')"],
  ["describe.each([1])('what', () => {\n\n});", "describe.each('what')"],
  ['(() => {\n\n})();', 'a function'],
])('a long one is named: %s', (text, name) => {
  expect(longFunctions(parse('a.ts', text), 2)).toEqual([`a.ts: ${name}: ${text.split('\n').length} lines`]);
  expect(longFunctions(parse('a.ts', text), 3)).toEqual([]);
});
