// A function fits on a screen: at most 70 lines, those of functions within it counted.
import { type Function as FunctionNode, type Node, Visitor } from 'oxc-parser';
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

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
  ['function long() {\n\n}', 'long'],
  ['export async function* long() {\n\n}', 'long'],
  ['const long = () => {\n\n};', 'long'],
  ['const long = function () {\n\n};', 'long'],
  ['const it = { long() {\n\n} };', 'long'],
  ['const it = { long: (a: number): number => {\n\nreturn a; } };', 'long'],
  ['class It { #long() {\n\n} }', '#long'],
  ['class It { constructor() {\n\n} }', 'constructor'],
  ['call(() => {\n\n});', 'a function'],
])('a long one is named: %s', (text, name) => {
  expect(longFunctions(parse('a.ts', text), 2)).toEqual([`a.ts: ${name}: ${text.split('\n').length} lines`]);
  expect(longFunctions(parse('a.ts', text), 3)).toEqual([]);
});
