// A name that is exported means one thing: no two files of src export the same one. Passing on what another file exports is no export of one's own.
import type { BindingPattern } from 'oxc-parser';
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

/** What every file of a family exports: of a command, which is loaded by the name of its file. */
const OF_FAMILIES = new Set(['define', 'help']);

/** Names that a file declares and exports. */
function exportedNames({ program }: SourceFile): string[] {
  return program.body.flatMap((statement) => {
    if (statement.type === 'ExportDefaultDeclaration') return ['default'];
    if (statement.type !== 'ExportNamedDeclaration' || statement.source !== null) return [];
    const { declaration, specifiers } = statement;
    if (declaration === null) return specifiers.map(({ exported }) => ('name' in exported ? exported.name : exported.value));
    if (declaration.type === 'VariableDeclaration') return declaration.declarations.flatMap(({ id }) => boundNames(id));
    return 'id' in declaration && declaration.id !== null && 'name' in declaration.id ? [declaration.id.name] : ['?'];
  });
}

/** Names that a declaration of one name or of a list binds; `?`: of anything else. */
function boundNames(pattern: BindingPattern): string[] {
  if (pattern.type === 'Identifier') return [pattern.name];
  if (pattern.type !== 'ArrayPattern') return ['?'];
  return pattern.elements.flatMap((element) => (element === null ? [] : element.type === 'RestElement' ? ['?'] : boundNames(element)));
}

/** `name: files` of each name that several files export. */
function exportedTwice(files: readonly SourceFile[]): string[] {
  const byName = new Map<string, string[]>();
  for (const file of files) for (const name of exportedNames(file)) byName.set(name, [...(byName.get(name) ?? []), file.path]);
  return [...byName]
    .filter(([name, paths]) => paths.length > 1 && !OF_FAMILIES.has(name))
    .map(([name, paths]) => `${name}: ${paths.join(', ')}`);
}

/** Twins of base/host for a page: each exports what its twin does (test/base/web.test.ts). */
const isTwin = ({ path }: SourceFile): boolean => path.startsWith('base/web/');

it('no name of src is exported by two files', () => {
  const files = sources().filter((file) => !isTwin(file));
  expect(files.flatMap(exportedNames).length).toBeGreaterThan(500);
  expect(files.flatMap(exportedNames)).not.toContain('?');
  expect(exportedTwice(files)).toEqual([]);
});

it('what is exported is found', () => {
  const text = `export const a = 1, b = 2; export function c() {} export class d {} export interface e {} export type f = 1;
    export abstract class g {} export async function* h() {} const i = 1; export const [n, o] = [1, 2]; export { i as j }; export { k } from './k.js'; export * from './l.js';
    function m() {}`;
  expect(exportedNames(parse('a.ts', text))).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'n', 'o', 'j']);
});

it('a name of two files is told', () => {
  const files = [parse('a.ts', 'export type A = 1; export const B = 1;'), parse('b.ts', 'export class A {}')];
  expect(exportedTwice(files)).toEqual(['A: a.ts, b.ts']);
});
