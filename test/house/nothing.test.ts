// One convention for nothing: `?` is what may be left out, null is none by design, and a look-up that finds nothing gives null.
import { type ParamPattern, type TSType, type TSTypeAnnotation, Visitor } from 'oxc-parser';
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

/** Names that may be null and left out, by the reason. */
const BOTH: Readonly<Record<string, readonly string[]>> = {
  'moeprof.result/1 leaves out what was not counted, and writes null where nothing was decoded': [
    ...['lruTpotNs', 'beladyTpotNs', 'foundTpotNs', 'floorTpotNs'].map((name) => `result/result.ts: ${name}`),
  ],
  'shows a value of a result, which may be null and left out': [
    ...['Datum', 'value', 'value'].map((name) => `report/document/document.ts: ${name}`),
    ...['report/format.ts: value', 'report/words.ts: band', 'report/words.ts: speed'],
    ...['cli/predict-report.ts: of', 'cli/predict-report.ts: value'],
  ],
  'a part may lack the member, whose result may be null': ['engine/event/fold-of.ts: of'],
};

/** Functions that give undefined, by the reason. */
const UNDEFINED: Readonly<Record<string, readonly string[]>> = {
  'takes the place of a method of JavaScript or Node': ['base/objects.ts: get', 'base/host/threads.ts: receive'],
  'gives a member that may be left out': ['engine/parallel/predictions.ts: drafts'],
  'reads an option that may be left out': ['cli/kit/options.ts: namedModel', 'cli/kit/options.ts: parseJobs'],
  'reads a field that a tool or a log may leave out': [
    ...['generationOf', 'countOf'].map((name) => `hardware/detect/tools/tool.ts: ${name}`),
    ...['runtime/llama.cpp/llama-log.ts: mapsBy', 'runtime/logs/lines.ts: wholeOf', 'runtime/logs/lines.ts: printedSize'],
  ],
};

type Kind = 'TSNullKeyword' | 'TSUndefinedKeyword';

/** True if a type is null or undefined, or a union with it. */
const may = (type: TSType | null | undefined, kind: Kind): boolean =>
  type?.type === kind ||
  (type?.type === 'TSParenthesizedType' && may(type.typeAnnotation, kind)) ||
  (type?.type === 'TSUnionType' && type.types.some((part) => may(part, kind)));

/** `path: name` of what breaks the convention in a file. */
function faultsOf({ path, program, text }: SourceFile): {
  readonly both: string[];
  readonly given: string[];
  readonly undefined: string[];
} {
  const faults = { both: [] as string[], given: [] as string[], undefined: [] as string[] };
  const nameOf = (key: { start: number; end: number }): string => `${path}: ${/^#?\w+/.exec(text.slice(key.start, key.end))?.[0] ?? ''}`;
  const value = (
    key: { start: number; end: number },
    annotation: TSTypeAnnotation | null | undefined,
    optional: boolean,
    field: boolean,
  ) => {
    const type = annotation?.typeAnnotation;
    const isUndefined = may(type, 'TSUndefinedKeyword');
    if (may(type, 'TSNullKeyword') && (optional || isUndefined)) faults.both.push(nameOf(key));
    else if (isUndefined && (optional || field)) faults.given.push(nameOf(key));
    if (
      type?.type === 'TSFunctionType' &&
      may(type.returnType?.typeAnnotation, 'TSNullKeyword') &&
      may(type.returnType?.typeAnnotation, 'TSUndefinedKeyword')
    )
      faults.both.push(nameOf(key));
  };
  const parameters = ({ params }: { params: ParamPattern[] }): void => {
    for (const param of params) if (param.type === 'Identifier') value(param, param.typeAnnotation, Boolean(param.optional), false);
  };
  const returned = (key: { start: number; end: number }, annotation: TSTypeAnnotation | null | undefined): void => {
    const type = annotation?.typeAnnotation;
    const nothing = may(type, 'TSUndefinedKeyword');
    if (nothing && may(type, 'TSNullKeyword')) faults.both.push(nameOf(key));
    else if (nothing) faults.undefined.push(nameOf(key));
  };
  new Visitor({
    TSPropertySignature: ({ key, optional, typeAnnotation }) => value(key, typeAnnotation, optional, true),
    PropertyDefinition: (node) => value(node.key, node.typeAnnotation, node.optional ?? false, node.value === null),
    FunctionDeclaration: parameters,
    FunctionExpression: parameters,
    ArrowFunctionExpression: parameters,
    TSFunctionType: parameters,
    TSMethodSignature: (node) => {
      parameters(node);
      returned(node.key, node.returnType);
    },
    MethodDefinition: ({ key, value: { returnType } }) => key.type !== 'PrivateIdentifier' && returned(key, returnType),
    TSTypeAliasDeclaration: ({ id, typeAnnotation: type }) => {
      if (may(type, 'TSNullKeyword') && may(type, 'TSUndefinedKeyword')) faults.both.push(nameOf(id));
    },
    ExportNamedDeclaration: ({ declaration }) => {
      if (declaration?.type === 'FunctionDeclaration') returned(declaration.id!, declaration.returnType);
      if (declaration?.type !== 'VariableDeclaration') return;
      for (const { id, init } of declaration.declarations) {
        const annotation = id.type === 'Identifier' ? id.typeAnnotation?.typeAnnotation : null;
        if (annotation?.type === 'TSFunctionType') returned(id, annotation.returnType);
        else if (init?.type === 'ArrowFunctionExpression') returned(id, init.returnType);
      }
    },
  }).visit(program);
  return faults;
}

const listed = (exceptions: typeof BOTH): string[] => Object.values(exceptions).flat().sort();

const all = (kind: keyof ReturnType<typeof faultsOf>): string[] =>
  sources()
    .flatMap((file) => faultsOf(file)[kind])
    .sort();

it('what may be left out is never null', () => {
  expect(all('both')).toEqual(listed(BOTH));
});

it('what may be left out has a question mark, and no `| undefined`', () => {
  expect(all('given')).toEqual([]);
});

it('a function that finds nothing gives null', () => {
  expect(all('undefined')).toEqual(listed(UNDEFINED));
});

it.each([
  ['interface A { readonly of?: number | null }', 'both', 'of'],
  ['class A { of?: number | null }', 'both', 'of'],
  ['const a = (of?: number | null): void => {};', 'both', 'of'],
  ['function a(of: (null | number) | undefined): void {}', 'both', 'of'],
  ['type A = { of: () => number | null | undefined };', 'both', 'of'],
  ['export type Of = number | null | undefined;', 'both', 'Of'],
  ['export function of(): number | null | undefined {}', 'both', 'of'],
  ['interface A { of?: number | undefined }', 'given', 'of'],
  ['interface A { of: number | undefined }', 'given', 'of'],
  ['class A { readonly #of: number | undefined; }', 'given', '#of'],
  ['function a(of?: number | undefined): void {}', 'given', 'of'],
  ['export function of(): number | undefined {}', 'undefined', 'of'],
  ['export const of = (): number | undefined => 1;', 'undefined', 'of'],
  ['export const of: () => number | undefined = f;', 'undefined', 'of'],
  ['interface A { of(): number | undefined }', 'undefined', 'of'],
  ['class A { of(): number | undefined {} }', 'undefined', 'of'],
] as const)('a fault is found: %s', (text, kind, name) => {
  expect(faultsOf(parse('a.ts', text))).toEqual({ both: [], given: [], undefined: [], [kind]: [`a.ts: ${name}`] });
});

it('no fault is found in what keeps the convention', () => {
  const text = `interface A { of?: number; or: number | null } class B { #of: number | undefined = 1; #own(): number | undefined {} }
    function a(of: number | undefined, or: number | null = null): number | null {} const b = (): number | undefined => 1;`;
  expect(faultsOf(parse('a.ts', text))).toEqual({ both: [], given: [], undefined: [] });
});
