// A renumbering of experts: physical slots back to logical experts, or a permutation. `[3, 0, 1, 2]` for all layers, or one list per layer.
import { UserError } from '../../base/errors.js';
import { readText } from '../../base/input-file.js';
import { NULL_EXPERT } from '../trace.js';

/** New number of each expert, by layer; {@link NULL_EXPERT} drops the choice. */
export type Remap = readonly Uint16Array[];

/**
 * Reads a renumbering from a JSON file.
 * @param experts experts of each layer that must have a new number
 * @throws UserError where it is no such list, or does not fit
 */
export function readRemap(path: string, experts: readonly number[]): Remap {
  let value: unknown;
  try {
    value = JSON.parse(readText(path, 'mapping'));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: is not JSON; write a list of new numbers, e.g. [1,0,2], or one such list per layer`);
  }
  const isIds = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((id) => Number.isInteger(id) && id >= -1 && id < NULL_EXPERT);
  const lists = isIds(value) ? experts.map(() => value as number[]) : value;
  if (!Array.isArray(lists) || lists.length === 0 || !lists.every(isIds)) {
    throw new UserError(
      `${path}: is no renumbering; write a list of new numbers, e.g. [1,0,2], or one such list per layer (-1 drops a choice)`,
    );
  }
  if (lists.length !== experts.length) throw new UserError(`${path}: has ${lists.length} lists, the trace has ${experts.length} layers`);
  return lists.map((list, layer) => {
    if (list.length < experts[layer]!) {
      throw new UserError(`${path}: layer ${layer}: ${list.length} numbers for ${experts[layer]} experts; give every expert a new number`);
    }
    return Uint16Array.from(list, (id) => (id < 0 ? NULL_EXPERT : id));
  });
}
