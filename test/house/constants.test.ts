// A constant in capitals that is a number has its unit and source above it: a count of those without, which may only fall.
import type { Expression, Statement } from 'oxc-parser';
import { expect, it } from 'vitest';
import { parse, type SourceFile, sources } from './source.js';

/** Constants without a comment of their own: characters of formats, and places in policies of caches, most of all. */
const ALLOWED = 103;

/** True for a number, a calculation with numbers, and a list of them. */
function isNumeric(value: Expression | null): boolean {
  switch (value?.type) {
    case 'Literal':
      return typeof value.value === 'number';
    case 'UnaryExpression':
      return isNumeric(value.argument);
    case 'BinaryExpression':
      return value.left.type !== 'PrivateIdentifier' && isNumeric(value.left) && isNumeric(value.right);
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
      return isNumeric(value.expression);
    case 'ArrayExpression':
      return value.elements.length > 0 && value.elements.every((item) => item?.type !== 'SpreadElement' && isNumeric(item));
    default:
      return false;
  }
}

/** `path: NAME` of the numeric constants of a file without a comment that ends on the line above. */
function bareConstants({ comments, path, program, text }: SourceFile): string[] {
  const isCommented = ({ start }: Statement): boolean =>
    comments.some(
      ({ end, start: from }) => /^\n? *$/.test(text.slice(end, start)) && end <= start && /(?:^|\n) *$/.test(text.slice(0, from)),
    );
  return program.body.flatMap((statement) => {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declared?.type !== 'VariableDeclaration' || isCommented(statement)) return [];
    return declared.declarations.flatMap(({ id, init }) =>
      id.type === 'Identifier' && /^[A-Z][A-Z0-9_]*$/.test(id.name) && isNumeric(init) ? [`${path}: ${id.name}`] : [],
    );
  });
}

it('few numeric constants of src have no comment of their own', () => {
  const bare = sources().flatMap(bareConstants);
  expect(bare.length, `describe the newest of ${bare.join(', ')}`).toBeLessThanOrEqual(ALLOWED);
  expect(bare.length, `lower ALLOWED of ${ALLOWED}`).toBe(ALLOWED);
});

it.each([
  ['const MOST = 3;', ['a.ts: MOST']],
  ['/** Most rows. */\nconst MOST = 3;\nexport const LEAST = -(2 ** 3);', ['a.ts: LEAST']],
  ['// Limits.\n\nconst MOST = [1, 2 * 3] as const;', ['a.ts: MOST']],
  ['let a = 1; // Most.\nconst MOST = 3;', ['a.ts: MOST']],
  ['/** Most rows. */\nexport const MOST = 3;', []],
  ["const most = 3, TEXT = 'a', MIXED = [1, 'a'], NONE = [], OTHER = most * 2;", []],
])('of %s it is %j', (text, bare) => {
  expect(bareConstants(parse('a.ts', text))).toEqual(bare);
});
