// The memory that a program allocates, by the program's name: for users of the library.

import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import type { ModelSpec } from '../model/door.js';
import { type Allocation, allocate } from './allocation/allocate.js';
import type { LoadPlan } from './allocation/graph/load-plan.js';
import { RUNTIMES } from './index.js';

/** How a program loads a model. */
export interface EngineLoad extends Omit<LoadPlan, 'rules'> {
  /** A program whose allocation is known: `llama.cpp`, `ik_llama.cpp`. */
  readonly engine: string;
  /** Its build, as it prints it: `6699 (c08002a1)`; absent: a current one. */
  readonly version?: string;
}

/** The plan of a load, with the rules of its program. @throws UserError if they are unknown */
export function loadPlan({ engine, version, ...plan }: EngineLoad): LoadPlan {
  const memory = RUNTIMES.find(({ name }) => name === engine)?.memory;
  const rules = memory?.rulesOf({ version });
  if (rules !== undefined) return { ...plan, rules };
  const known = RUNTIMES.flatMap(({ memory, name }) => (memory === undefined ? [] : [name]));
  throw new UserError(`engine "${engine}": its allocation is not known: ${didYouMean(engine, known)}`);
}

/** Computes the memory that a program allocates. @throws UserError if that or the model's tensors are unknown, or the load names what is not there */
export const allocateFor = (model: ModelSpec, load: EngineLoad): Allocation => allocate(model, loadPlan(load));
