import { definedFields } from '../base/objects.js';
import { assumedOf } from '../hardware/door.js';
import { type ModelQuality, type ModelSpec, qualityOf, weightBytes } from '../model/door.js';
import { type Tagged, tagged } from '../result/version.js';
import { type Advice, type Asked, answered, repeated, settingOf } from './advise.js';
import { type AdviceWishes, basisOf, type MachineFinder, machineNamed, requestShape, Subject, wishedContext } from './ask.js';
import { commandOf } from './command.js';
import { missingBytes } from './misfits.js';
import type { Question } from './question.js';
import { bandsOf } from './search.js';
import { offeredModels } from './ways.js';

/** Version tag, raised by changes of meaning only. */
const MODELS_SCHEMA = 'moeprof.models/2';

/** Most bundled models that are shown by default; ours: a screen. */
const USUAL_BEST = 8;

/** A model on the machine. */
export interface ModelOffer extends Pick<Advice, 'model' | 'assumedShape' | 'answer' | 'kept' | 'command' | 'bands'> {
  readonly parameters: ModelSpec['parameters'];
  /** Format of the answer, or the smallest on offer. */
  readonly quantization: string;
  /** False if the answer needs fewer bits than the first format. */
  readonly preferred: boolean;
  /** Weights in `quantization`, bytes. */
  readonly bytes: number;
  /** Bytes missing for the smallest format; 0: fits. */
  readonly missing: number;
  /** Published score with its scale; null: none. */
  readonly quality: ReturnType<ModelQuality['scoreOf']>;
}

/** All models on a machine: the public format `moeprof.models/1`. */
export interface ModelOffers extends Tagged<typeof MODELS_SCHEMA>, Asked {
  /** By published quality, then by release, best first. */
  readonly models: readonly ModelOffer[];
  /** Number of bundled models to choose from; absent: models were named. */
  readonly among?: number;
}

/** Wishes for any model: a recording belongs to a single model. */
export type ModelWishes = Omit<AdviceWishes, 'trace'>;

/**
 * Models that a machine runs, with settings and speeds: `moeprof advise` for several models.
 * @param machine bundled name, file, or parts: `rtx-3090+ryzen-9-5950x+64GB`
 * @param models bundled names, files or folders; empty: all bundled
 * @throws UserError for an unknown name
 */
export function modelsFor(machine: string, models: readonly string[] = [], wishes: ModelWishes = {}): Promise<ModelOffers> {
  return modelsOn(models, machineNamed(machine), wishes, async () => undefined);
}

/**
 * As {@link modelsFor}, with a machine finder.
 * @param next called with models done, and their total
 * @param best most bundled models that fit; absent: {@link USUAL_BEST}
 * @param quality of models; absent: as published
 */
export async function modelsOn(
  named: readonly string[],
  machine: MachineFinder,
  wishes: ModelWishes,
  next: (done: number, all: number) => Promise<void>,
  best = USUAL_BEST,
  quality: ModelQuality = qualityOf(),
): Promise<ModelOffers> {
  const basis = await basisOf(machine, wishes);
  const among = named.length === 0 ? offeredModels() : null;
  const names = quality.ordered(among ?? [...new Set(named)]);
  // Scores are of whole models: the best are those that fit in their usual format.
  const few = among !== null && Number.isFinite(best);
  const models: ModelOffer[] = [];
  const contexts: number[] = [];
  for (const name of names) {
    const subject = new Subject(name, undefined);
    try {
      if (among !== null && !subject.mayFit(basis, wishes, few)) continue;
      const question = await subject.question(basis, wishes);
      contexts.push(question.context);
      const offer = await offerOf(few ? { ...question, quantizations: question.quantizations.slice(0, 1) } : question, quality);
      if (among === null || runs(offer)) models.push(offer);
    } finally {
      subject.close();
    }
    if (among !== null && models.length === best) break;
    await next(models.length, among === null ? names.length : Math.min(best, names.length));
  }
  const context = contexts.length === 0 ? wishedContext(wishes) : Math.max(...contexts);
  const less = contexts.some((context) => context < wishedContext(wishes));
  const ofContext = less ? ['Models that were trained on less context have that.'] : [];
  return {
    ...tagged(MODELS_SCHEMA),
    ...repeated({ ...basis, request: requestShape(wishes, context), context, users: wishes.users ?? 1 }),
    models,
    ...(among === null ? {} : { among: among.length }),
    notes: ['Routing is synthetic, drawn as each model routes.', ...ofContext, ...basis.notes, ...assumedOf(basis.hardware)],
  };
}

/** True if memory holds the model, and it keeps the targets. */
const runs = ({ answer, kept }: ModelOffer): boolean => answer !== null && kept && !answer.setting.fromDisk;

async function offerOf(asked: Question, quality: ModelQuality): Promise<ModelOffer> {
  const { answer, question } = await answered(asked);
  const { quantizations } = question;
  const model = answer?.model ?? question.model(quantizations.at(-1)!);
  const common = {
    ...{ model: model.name, parameters: model.parameters, quality: quality.scoreOf(model.name) },
    ...{ quantization: model.quantization, bytes: weightBytes(model) },
    ...definedFields({ assumedShape: model.assumed }),
  };
  if (answer === null) {
    const nothing = { answer: null, preferred: false, kept: false, command: null, bands: null };
    return { ...common, ...nothing, missing: missingBytes(question, quantizations.at(-1)!) };
  }
  const { kept, setting } = answer;
  const preferred = setting.quantization === quantizations[0];
  const advised = { answer: settingOf(question, answer, ''), command: commandOf(question, answer), bands: await bandsOf(question, answer) };
  return { ...common, ...advised, preferred, kept, missing: 0 };
}
