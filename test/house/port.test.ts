// Only base/host reaches outside: no other file imports a module of Node, or uses what Node alone has.
import { builtinModules } from 'node:module';
import { type Node, Visitor } from 'oxc-parser';
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

const HOST = 'base/host/';
const BUILT_IN = new Set(builtinModules);
/** What Node has beside the standard and the web; `process` and others are names like any where a file declares them. */
const GLOBALS = new Set([
  'Buffer',
  'process',
  'require',
  'createRequire',
  '__dirname',
  '__filename',
  'NodeJS',
  'setImmediate',
  'clearImmediate',
]);

/** `file: rule` of each reach past the door. */
function reaches({ path, program }: SourceFile): string[] {
  if (path.startsWith(HOST)) return [];
  const found = new Set<string>();
  const named = (source: Node | null | undefined): void => {
    if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
    if (source.value.startsWith('node:') || BUILT_IN.has(source.value)) found.add(`imports ${source.value}`);
  };
  const own = declaredIn(program);
  const keys = new Set<Node>();
  new Visitor({
    ImportDeclaration: ({ source }) => named(source),
    ExportNamedDeclaration: ({ source }) => named(source),
    ExportAllDeclaration: ({ source }) => named(source),
    ImportExpression: ({ source }) => named(source),
    TSImportType: ({ source }) => named(source),
    MetaProperty: ({ meta }) => void (meta.name === 'import' && found.add('uses import.meta')),
    MemberExpression: ({ computed, property }) => void (computed || keys.add(property)),
    Property: ({ computed, key, shorthand }) => void (computed || shorthand || keys.add(key)),
    PropertyDefinition: ({ computed, key }) => void (computed || keys.add(key)),
    MethodDefinition: ({ computed, key }) => void (computed || keys.add(key)),
    TSPropertySignature: ({ computed, key }) => void (computed || keys.add(key)),
    TSMethodSignature: ({ computed, key }) => void (computed || keys.add(key)),
    Identifier: (node) => void (GLOBALS.has(node.name) && !own.has(node.name) && !keys.has(node as Node) && found.add(`uses ${node.name}`)),
  }).visit(program);
  return [...found].map((rule) => `src/${path} ${rule}: only src/${HOST} may`);
}

/** Names that a file declares: as variables, parameters, functions, classes or imports. */
function declaredIn(program: SourceFile['program']): ReadonlySet<string> {
  const names = new Set<string>();
  const bind = (pattern: Node | null | undefined): void => {
    if (pattern === null || pattern === undefined) return;
    if (pattern.type === 'Identifier') names.add(pattern.name);
    else if (pattern.type === 'ArrayPattern') for (const element of pattern.elements) bind(element);
    else if (pattern.type === 'ObjectPattern')
      for (const property of pattern.properties) bind('value' in property ? property.value : property);
    else if (pattern.type === 'RestElement') bind(pattern.argument);
    else if (pattern.type === 'AssignmentPattern') bind(pattern.left);
  };
  const parameters = ({ params }: { readonly params: readonly Node[] }): void => params.forEach(bind);
  new Visitor({
    VariableDeclarator: ({ id }) => bind(id),
    FunctionDeclaration: (node) => {
      bind(node.id);
      parameters(node);
    },
    FunctionExpression: parameters,
    ArrowFunctionExpression: parameters,
    TSFunctionType: parameters,
    TSMethodSignature: parameters,
    CatchClause: ({ param }) => bind(param),
    ImportSpecifier: ({ local }) => bind(local),
  }).visit(program);
  return names;
}

it('nothing but the door of src does', () => {
  expect(sources().some(({ path }) => path.startsWith(HOST))).toBe(true);
  expect(sources().flatMap(reaches)).toEqual([]);
});

it.each([
  ["import { join } from 'node:path';", 'imports node:path'],
  ["import type { Stats } from 'fs';", 'imports fs'],
  ["export * from 'node:os';", 'imports node:os'],
  ["await import('fs/promises');", 'imports fs/promises'],
  ["const a: import('node:fs').Stats | null = null;", 'imports node:fs'],
  ['new URL("a", import.meta.url);', 'uses import.meta'],
  ['Buffer.from("a");', 'uses Buffer'],
  ['function f(a: Buffer) {}', 'uses Buffer'],
  ['const a = { Buffer };', 'uses Buffer'],
  ['const { pid } = process;', 'uses process'],
  ['const a: NodeJS.Timeout | null = null;', 'uses NodeJS'],
  ['require("a");', 'uses require'],
  ['setImmediate(() => undefined);', 'uses setImmediate'],
])('a reach past it is told: %s', (text, rule) => {
  expect(reaches(parse('engine/a.ts', text))).toEqual([`src/engine/a.ts ${rule}: only src/base/host/ may`]);
  expect(reaches(parse('base/host/a.ts', text))).toEqual([]);
});

it.each([
  'const process = 1; process;',
  'function f(process: number) { return process; }',
  'const f = ({ process }: A) => process;',
  'this.process.run({ process: 1 });',
  "import { process } from './a.js'; process;",
  'interface A { process: number; require(): void }',
  "const text = 'process.exit(1)';",
])('other names are none: %s', (text) => {
  expect(reaches(parse('engine/a.ts', text))).toEqual([]);
});
