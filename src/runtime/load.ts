import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import type { ModelSpec } from '../model/door.js';
import { type Allocation, allocate } from './allocation/allocate.js';
import type { LoadPlan } from './allocation/graph/load-plan.js';
import { RUNTIMES } from './index.js';

/** A model load by a program. */
export interface EngineLoad extends Omit<LoadPlan, 'rules'> {
  /** Program with a known allocation: `llama.cpp`, `ik_llama.cpp`. */
  readonly engine: string;
  /** Build as printed: `6699 (c08002a1)`; absent: the newest. */
  readonly version?: string;
}

/** Plan of a load, with the program's rules. @throws UserError for an unknown program */
export function loadPlan({ engine, version, ...plan }: EngineLoad): LoadPlan {
  const memory = RUNTIMES.find(({ name }) => name === engine)?.memory;
  const rules = memory?.rulesOf({ version });
  if (rules !== undefined) return { ...plan, rules };
  const known = RUNTIMES.flatMap(({ memory, name }) => (memory === undefined ? [] : [name]));
  throw new UserError(`engine "${engine}": its allocation is not known: ${didYouMean(engine, known)}`);
}

/** @throws UserError for an unknown program, tensor or device */
export const allocateFor = (model: ModelSpec, load: EngineLoad): Allocation => allocate(model, loadPlan(load));
