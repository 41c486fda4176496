// A type is declared once: few pairs of types have the same fields. A type that needs those of another extends it, or picks from it.
import { type TSInterfaceBody, type TSTypeLiteral, Visitor } from 'oxc-parser';
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

/** Shared fields that make two types a pair: this many names, and this share of the fields of the smaller one. */
const SHARED = 4;
const SHARE = 0.6;

const MOST_PAIRS = 10;

/** An interface, or an object in an alias; without what it inherits. */
interface Declared {
  readonly place: string;
  readonly fields: ReadonlySet<string>;
}

function declaredIn({ path, program, text }: SourceFile): Declared[] {
  const found: Declared[] = [];
  const declare = (name: string, start: number, members: TSTypeLiteral['members'] | TSInterfaceBody['body']): void => {
    const line = text.slice(0, start).split('\n').length;
    const fields = members.flatMap((member) =>
      member.type === 'TSPropertySignature' || member.type === 'TSMethodSignature' ? [text.slice(member.key.start, member.key.end)] : [],
    );
    found.push({ place: `${path}:${line} ${name}`, fields: new Set(fields) });
  };
  new Visitor({
    TSInterfaceDeclaration: ({ body, id, start }) => declare(id.name, start, body.body),
    TSTypeAliasDeclaration: ({ id, start, typeAnnotation: type }) => {
      const parts = type.type === 'TSIntersectionType' || type.type === 'TSUnionType' ? type.types : [type];
      for (const part of parts) if (part.type === 'TSTypeLiteral') declare(id.name, start, part.members);
    },
  }).visit(program);
  return found;
}

/** Pairs of types that share fields, a line each, with both places and the names. */
function pairsOf(files: readonly SourceFile[]): string[] {
  const types = files.flatMap(declaredIn);
  return types.flatMap((one, i) =>
    types.slice(i + 1).flatMap((other) => {
      const shared = [...one.fields].filter((field) => other.fields.has(field));
      const isPair = shared.length >= SHARED && shared.length >= SHARE * Math.min(one.fields.size, other.fields.size);
      return isPair ? [`${one.place} and ${other.place}: ${shared.join(', ')}`] : [];
    }),
  );
}

it('few types of src are declared twice', () => {
  const found = pairsOf(sources());
  expect(found.length, `types with the same fields; let one extend the other, or pick from it:\n${found.join('\n')}`).toBeLessThanOrEqual(
    MOST_PAIRS,
  );
});

it.each([
  ['interface A { a: 1; b: 1; c: 1; d: 1 }', 'interface B { a: 2; b(): 2; c?: 2; d: 2; e: 2; f: 2 }', true],
  ['type A = { a: 1; b: 1; c: 1; d: 1; e: 1; f: 1 };', 'interface B { a: 1; b: 1; c: 1; d: 1; g: 1; h: 1 }', true],
  ['type A = { a: 1; b: 1; c: 1; d: 1; e: 1; f: 1; i: 1 };', 'interface B { a: 1; b: 1; c: 1; d: 1; g: 1; h: 1; j: 1 }', false],
  ['interface A { a: 1; b: 1; c: 1 }', 'interface B { a: 1; b: 1; c: 1 }', false],
  ['interface A { a: 1; b: 1; c: 1; d: 1 }', 'interface B extends A { e: 1; f: 1; g: 1; h: 1 }', false],
  ['interface A { a: 1; b: 1; c: 1; d: 1 }', "type B = Pick<A, 'a' | 'b'> & { c: 1 };", false],
])('a pair is found: %s %s', (one, other, isPair) => {
  const found = pairsOf([parse('a.ts', one), parse('b.ts', `\n${other}`)]);
  expect(found).toEqual(isPair ? ['a.ts:1 A and b.ts:2 B: a, b, c, d'] : []);
});
