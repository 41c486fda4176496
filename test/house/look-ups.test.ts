// Names of any origin are looked up where no prototype is: in a `byName` table, a Map, or through `ownValue`. Every object answers to `toString`
// and `constructor`, so that a plain one finds something under a name that nobody gave.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  isAsExpression,
  isBinaryExpression,
  isElementAccessExpression,
  isStringLiteral,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { API, type Checker, type Type, TypeFlags } from 'typescript/unstable/sync';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Look-ups that may stand: files, what is looked into, and why. */
const ALLOWED: readonly (readonly [files: RegExp, into: RegExp, why: string])[] = [
  [/./, /\b(metrics|figures|values|units|base|candidate)$/, 'names are checked where they are read, and asked for by the catalogue'],
  [/^base\/objects\.ts$/, /^(from|Object\.prototype)$/, 'the helpers themselves'],
  [/^base\/host\/process\.ts$/, /^process\.env$/, 'the environment has no prototype that counts'],
  [/^base\/user-module\.ts$/, /^(this\.#value|member|\(member as )/, 'a class of a user inherits methods; the names are ours'],
  [/^base\/statistics\.ts$/, /^record$/, 'fields of ours'],
  [/^model\/gguf-header\.ts$/, /^metadata$/, 'has no prototype'],
  [/^result\/digest\.ts$/, /^\(value as /, 'its own keys, thousands of them for each run'],
  [/^runtime\/llama\.cpp\/flags\.ts$/, /^why$/, 'flags of ours'],
  [/^predict\/onnx\//, /^(feeds|fetches|header|results)$/, 'inputs and outputs that a network has, by its own list'],
  [/^trace\/open\/write\.ts$/, /^header$/, 'columns of ours'],
];

/** A look-up by a text that is no literal. */
interface LookUp {
  readonly into: string;
  readonly object: Node;
  readonly index: Node;
  readonly has: boolean;
}

function lookUps(file: Node): LookUp[] {
  const found: LookUp[] = [];
  const look = (object: Node, index: Node, has: boolean): void => {
    if (!isStringLiteral(index))
      found.push({ into: object.getText(), object, index: isAsExpression(index) ? index.expression : index, has });
  };
  const visit = (node: Node): void => {
    if (isElementAccessExpression(node)) look(node.expression, node.argumentExpression, false);
    if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.InKeyword) look(node.right, node.left, true);
    node.forEachChild(visit);
  };
  visit(file);
  return found;
}

const TEXTS = TypeFlags.String | TypeFlags.Any | TypeFlags.Unknown | TypeFlags.TemplateLiteral | TypeFlags.StringMapping;

/** True for a type of any text. Of `cache.${string}`, too, though no name of a prototype has a dot. */
function isText(checker: Checker, type: Type | undefined): boolean {
  if (type === undefined) return false;
  if ((type.flags & TypeFlags.TypeParameter) !== 0) return isText(checker, checker.getBaseConstraintOfType(type));
  if ((type.flags & TypeFlags.TemplateLiteral) !== 0 && checker.typeToString(type).includes('.')) return false;
  if (type.isUnionType() || type.isIntersectionType()) return type.getTypes().some((one) => isText(checker, one));
  return (type.flags & TEXTS) !== 0;
}

/** `file:line: look-up` of each that may find what a prototype has. */
function looseLookUps(config: string, folder: string): string[] {
  const api = new API({ cwd: folder });
  try {
    const [project] = api.updateSnapshot({ openProjects: [config] }).getProjects();
    const { checker, program } = project!;
    const files = program.getSourceFileNames().filter((name) => name.startsWith(folder) && !name.includes('/node_modules/'));
    expect(files.length).toBeGreaterThan(0);
    return files.flatMap((name) => {
      const file = program.getSourceFile(name)!;
      const path = name.slice(folder.length);
      const all = lookUps(file);
      const types = all.length === 0 ? [] : checker.getTypeAtLocation(all.map(({ index }) => index));
      return all.flatMap(({ has, into, object }, at) => {
        // Whoever asks with `in` does not know whether the name is one, whatever its type.
        if (!has && !isText(checker, types[at])) return [];
        if (has && (types[at]!.flags & (TypeFlags.UniqueESSymbol | TypeFlags.StringLiteral)) !== 0) return [];
        if (/^ByName</.test(checker.typeToString(checker.getTypeAtLocation(object)!))) return [];
        if (ALLOWED.some(([places, what]) => places.test(path) && what.test(into))) return [];
        return [`${path}:${file.getLineAndCharacterOfPosition(object.getStart()).line + 1}: ${into}`];
      });
    });
  } finally {
    api.close();
  }
}

it('no look-up of src finds what a prototype has', () => {
  expect(looseLookUps(join(ROOT, 'tsconfig.build.json'), join(ROOT, 'src/'))).toEqual([]);
});

it('one that does is told', () => {
  const folder = temporaryFolder();
  const text = [
    'interface ByName<T> { readonly [name: string]: T }',
    'declare const name: string, kind: "a" | "b", table: Readonly<Record<string, number>>, safe: ByName<number>;',
    'const own = { a: 1, b: 2 };',
    'export const faults = [',
    '  table[name],',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the text that is checked
    '  table[`x${name}`],',
    '  own[name as keyof typeof own],',
    '  name in own,',
    '  kind in table,',
    '];',
    'table[name.trim()]; (table ?? own)[name];',
    'export const fine = [own[kind], safe[name], table.a, table["a"], [1][0], name[0], own["a"], "a" in own];',
  ];
  writeFileSync(join(folder, 'a.ts'), text.join('\n'));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true, types: [] }, files: ['a.ts'] }));
  const told = looseLookUps(join(folder, 'tsconfig.json'), `${folder}/`);
  expect(told).toEqual([
    'a.ts:5: table',
    'a.ts:6: table',
    'a.ts:7: own',
    'a.ts:8: own',
    'a.ts:9: table',
    'a.ts:11: table',
    'a.ts:11: (table ?? own)',
  ]);
});
