// How many experts of one list are in another: the score of a prediction that names experts. It marks one list and looks up the other;
// comparing all pairs would mispredict a branch as often as the prediction is wrong.
import { NULL_EXPERT } from '../trace/trace.js';

/** By expert within its layer: how often it is in the list that is being compared. All zero between two calls. */
const marks = new Uint8Array(NULL_EXPERT + 1);

/**
 * Counts the pairs of equal experts in `names[from .. from + count)` and `choices[at .. at + topK)`; NULL_EXPERT equals nothing.
 * @param topK below 256
 */
export function overlap(names: Uint16Array, from: number, count: number, choices: Uint16Array, at: number, topK: number): number {
  for (let i = at; i < at + topK; i++) marks[choices[i]!]! += 1;
  marks[NULL_EXPERT] = 0;
  let equal = 0;
  for (let i = from; i < from + count; i++) equal += marks[names[i]!]!;
  for (let i = at; i < at + topK; i++) marks[choices[i]!] = 0;
  return equal;
}

/** Experts in `names[from .. from + count)` that are not NULL_EXPERT. */
export function named(names: Uint16Array, from: number, count: number): number {
  let some = 0;
  for (let i = from; i < from + count; i++) some += names[i] === NULL_EXPERT ? 0 : 1;
  return some;
}
