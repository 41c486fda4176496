import { UserError } from '../base/errors.js';
import type { WorkWatch } from '../base/work-watch.js';
import { type Tagged, tagged } from '../result/version.js';
import { ADVISED } from '../runtime/door.js';
import { type Asked, answered, describedStrategy, repeated, type Strategy } from './advise.js';
import { basesOf } from './answer.js';
import { type AdviceWishes, type MachineFinder, machineNamed, withQuestions } from './ask.js';
import { missingOf } from './misfits.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';

/** Version tag, raised by changes of meaning only. */
const ENGINES_SCHEMA = 'moeprof.engines/1';

/** An engine at its best. */
export interface EngineOffer {
  readonly runtime: string;
  readonly quantization: string;
  /** Null: nothing fits. */
  readonly best: Strategy | null;
  /** Cost under the goal; smaller is better; null: nothing fits. */
  readonly cost: number | null;
  readonly kept: boolean;
  /** Sentences on missing memory; empty: fits. */
  readonly misfits: readonly string[];
}

/** A model on a machine under each engine: the public format `moeprof.engines/1`. */
export interface EngineOffers extends Tagged<typeof ENGINES_SCHEMA>, Omit<Asked, 'runtime'> {
  readonly model: string;
  /** Best first. */
  readonly engines: readonly EngineOffer[];
}

/**
 * Compares engines for a model on a machine: `moeprof advise --runtime any`.
 * @param model bundled name, file or folder
 * @param machine bundled name, file, or parts: `rtx-3090+ryzen-9-5950x+64GB`
 * @throws UserError for an unknown name, or a machine without an engine
 */
export function enginesFor(model: string, machine: string, wishes: Omit<AdviceWishes, 'runtime'> = {}): Promise<EngineOffers> {
  return enginesOn(model, machineNamed(machine), wishes);
}

/** As {@link enginesFor}, with a machine finder. */
export async function enginesOn(name: string, machine: MachineFinder, wishes: AdviceWishes, watch?: WorkWatch): Promise<EngineOffers> {
  const bases = [];
  const refused: string[] = [];
  for (const { name: runtime } of ADVISED) {
    try {
      bases.push(...(await basesOf(machine, { ...wishes, runtime })));
    } catch (error) {
      if (!(error instanceof UserError) || ADVISED.length === refused.length + 1) throw error;
      refused.push(`${error.message.startsWith(runtime) ? '' : `${runtime}: `}${error.message}.`);
    }
  }
  const engines: EngineOffer[] = [];
  const asked: Question[] = [];
  const offer = async (plain: Question): Promise<void> => {
    const { answer, question } = await answered(plain);
    asked.push(question);
    engines.push(await offerOf(question, answer));
  };
  await withQuestions(name, bases, wishes, offer, watch);
  const { runtime: _each, ...common } = repeated(asked[0]!);
  return {
    ...tagged(ENGINES_SCHEMA),
    ...common,
    model: asked[0]!.model(asked[0]!.quantizations[0]!).name,
    engines: engines.toSorted(
      (a, b) => Number(b.kept) - Number(a.kept) || (a.cost ?? Number.POSITIVE_INFINITY) - (b.cost ?? Number.POSITIVE_INFINITY),
    ),
    notes: [...new Set([...asked.flatMap(({ notes }) => notes), ...refused])],
  };
}

async function offerOf(question: Question, answer: Priced | null): Promise<EngineOffer> {
  const { name: runtime } = question.runtime;
  if (answer === null) {
    const { quantization } = question.model(question.quantizations.at(-1)!);
    return { runtime, quantization, best: null, cost: null, kept: false, misfits: missingOf(question) };
  }
  const { cost, kept, model } = answer;
  return { runtime, quantization: model.quantization, best: await describedStrategy(question, answer), cost, kept, misfits: [] };
}
