// What a command can take where it wants a result. Kinds are told apart by content, so that a file's name does not matter.
import { readFileSync } from 'node:fs';
import { UserError } from '../base/errors.js';
import { readText } from '../base/yaml.js';
import { parseResult } from '../result/read.js';
import type { Result } from '../result/result.js';

/** A kind of operand. */
interface OperandKind {
  /** True where the content is of this kind; the first kind that says so takes it. */
  matches(path: string, text: string): boolean;
  load(path: string, text: string): Promise<Result> | Result;
}

const kinds: readonly OperandKind[] = [
  {
    matches: (_, text) => /^\s*[{[]/.test(text) || text.trim() === '',
    load: (path, text) => parseResult(text, path),
  },
];

/**
 * The result that an operand stands for.
 * @param path a file, or `-` for stdin
 * @throws UserError where it cannot be read or is of no known kind
 */
export async function loadOperand(path: string): Promise<Result> {
  const text = path === '-' ? readFileSync(process.stdin.fd, 'utf8') : readText(path);
  const kind = kinds.find((one) => one.matches(path, text));
  if (kind === undefined)
    throw new UserError(`${path}: is not a result file (JSON); write one with moeprof run -o ${path.replace(/\.\w+$/, '')}.json`);
  return kind.load(path, text);
}
