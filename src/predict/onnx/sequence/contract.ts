// Ordered token ids, with a state per request.
import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/text.js';
import { checkTensor, OUTPUT_NAME, type TensorShape, type TensorSignature } from '../contract.js';
import type { Dimension } from '../writer.js';

/** Input: S consecutive token ids of each of B requests. Marks a sequence model. */
export const SEQUENCE = 'sequence';
/** Input: state of each request, 0 at the start. */
export const STATE = 'state';
/** Output: state after the tokens. */
export const NEXT_STATE = 'next_state';
/** Input: 1 for tokens with known histories, else 0. */
export const KNOWN = 'known';

/** Metadata: weights multiplied per token. */
export const PRODUCTS = 'moeprof.products';

/** Names of a sequence model's possible inputs. */
export const SEQUENCE_INPUTS = [SEQUENCE, STATE, 'history', 'history_slow', KNOWN] as const;
export type SequenceInput = (typeof SEQUENCE_INPUTS)[number];
export const SEQUENCE_OUTPUTS = [OUTPUT_NAME, NEXT_STATE] as const;

/** Inputs and state width of a sequence model. */
export interface SequenceSignature {
  readonly inputs: readonly SequenceInput[];
  readonly state: number;
}

/** Type and shape of a tensor. @param state width of the state, or a name */
export function sequenceTensorOf(name: SequenceInput | (typeof SEQUENCE_OUTPUTS)[number], experts: number, state: Dimension): TensorShape {
  if (name === SEQUENCE) return { type: 'int64', shape: ['B', 'S'] };
  if (name === STATE || name === NEXT_STATE) return { type: 'float32', shape: ['B', state] };
  return { type: 'float32', shape: name === KNOWN ? ['B', 'S'] : ['B', 'S', experts] };
}

/** @param path for messages @param experts sum over layers @throws UserError with both shapes */
export function checkSequenceContract(
  path: string,
  inputs: readonly TensorSignature[],
  outputs: readonly TensorSignature[],
  experts: number,
): SequenceSignature {
  const width = inputs.find(({ name }) => name === STATE)?.shape[1];
  if (typeof width !== 'number')
    throw new UserError(`${path}: reads "${SEQUENCE}" and has no input "${STATE}" [B, n] of a fixed width n; export it with one`);
  const used = inputs.map((input) => {
    const name = SEQUENCE_INPUTS.find((known) => known === input.name);
    if (name === undefined)
      throw new UserError(
        `${path}: asks for an input "${input.name}", which moeprof does not give beside "${SEQUENCE}"; ${didYouMean(input.name, SEQUENCE_INPUTS)}`,
      );
    checkTensor(path, 'input', input, sequenceTensorOf(name, experts, width));
    return name;
  });
  for (const name of SEQUENCE_OUTPUTS) {
    const output = outputs.find((output) => output.name === name);
    if (output === undefined) {
      const found = outputs.map((output) => `"${output.name}"`).join(', ');
      throw new UserError(`${path}: reads "${SEQUENCE}" and has no output "${name}" (found ${found}); name one so`);
    }
    checkTensor(path, 'output', output, sequenceTensorOf(name, experts, width));
  }
  return { inputs: used, state: width };
}
