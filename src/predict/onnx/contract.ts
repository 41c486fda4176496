// Any subset of the inputs, and the output.
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import type { Dimension, ValueInfo } from './writer.js';

/**
 * `history` after a token: history / 2 + path. Bits are the last paths, newest first; float32 holds 24 without loss.
 */
export const HISTORY_DECAY = 0.5;
/** `history_slow` after a token: 0.98 x history_slow + path; the last 34 tokens have half of the weight. */
export const HISTORY_SLOW_DECAY = 0.98;

/** Names of possible inputs. */
export const INPUT_NAMES = ['history', 'history_slow', 'observed', 'token_id', 'position', 'popularity'] as const;
export type InputName = (typeof INPUT_NAMES)[number];

/** Name of the output: logits of the probability that the token uses each expert, [N, L*E]. */
export const OUTPUT_NAME = 'logits';

/** A tensor as declared by a model; `type` is the runtime's name. */
export interface TensorSignature {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly Dimension[];
}

/** Type and shape of a tensor; named sizes must be open. */
export type TensorShape = Pick<ValueInfo, 'type' | 'shape'>;

/** Type and shape of an input or the output. @param experts over all layers */
export function tensorOf(name: InputName | typeof OUTPUT_NAME, experts: number): TensorShape {
  if (name === 'token_id' || name === 'position') return { type: 'int64', shape: ['N'] };
  return { type: 'float32', shape: name === 'popularity' ? [experts] : ['N', experts] };
}

/** @param path for messages @param experts over all layers @returns inputs @throws UserError */
export function checkContract(
  path: string,
  inputs: readonly TensorSignature[],
  outputs: readonly TensorSignature[],
  experts: number,
): InputName[] {
  const used = inputs.map((input) => {
    const name = INPUT_NAMES.find((known) => known === input.name);
    if (name === undefined)
      throw new UserError(
        `${path}: asks for an input "${input.name}", which moeprof does not give; ${didYouMean(input.name, INPUT_NAMES)}`,
      );
    checkTensor(path, 'input', input, tensorOf(name, experts));
    return name;
  });
  const logits = outputs.find((output) => output.name === OUTPUT_NAME);
  if (logits === undefined) {
    const found = outputs.map(({ name }) => `"${name}"`).join(', ');
    throw new UserError(`${path}: has no output "${OUTPUT_NAME}" (found ${found}); name its [N, ${experts}] logits so`);
  }
  checkTensor(path, 'output', logits, tensorOf(OUTPUT_NAME, experts));
  return used;
}

/** @throws UserError with the expected and the found shape */
export function checkTensor(path: string, role: 'input' | 'output', found: TensorSignature, expected: TensorShape): void {
  const fits =
    found.type === expected.type &&
    found.shape.length === expected.shape.length &&
    expected.shape.every((size, axis) => typeof found.shape[axis] === 'string' || found.shape[axis] === size);
  if (fits) return;
  const want = `${expected.type} [${expected.shape.join(', ')}]`;
  const have = `${found.type} [${found.shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
  const fixed = typeof expected.shape[0] === 'string' && typeof found.shape[0] === 'number' && found.shape.length === expected.shape.length;
  const advice = fixed ? 'export it with a dynamic first axis' : 'was it made for another model?';
  throw new UserError(`${path}: ${role} "${found.name}" must be ${want}, found ${have}; ${advice}`);
}
