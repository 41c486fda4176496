import { assumedOf } from '../hardware/door.js';
import { type ModelSpec, weightBytes } from '../model/door.js';
import { type Tagged, tagged } from '../result/version.js';
import { type Advice, type Asked, answered, repeated, settingOf } from './advise.js';
import { type AdviceWishes, basisOf, type MachineFinder, machineNamed, requestShape, wishedContext, withQuestion } from './ask.js';
import { commandOf } from './command.js';
import { missingBytes } from './misfits.js';
import type { Question } from './question.js';
import { bandsOf } from './search.js';
import { modelsBySize, offeredModels } from './ways.js';

/** Version tag, raised by changes of meaning only. */
const MODELS_SCHEMA = 'moeprof.models/1';

/** A model on the machine. */
export interface ModelOffer extends Pick<Advice, 'model' | 'answer' | 'kept' | 'command' | 'bands'> {
  readonly parameters: ModelSpec['parameters'];
  /** Format of the answer, or the smallest on offer. */
  readonly quantization: string;
  /** False if the answer needs fewer bits than the first format. */
  readonly preferred: boolean;
  /** Weights in `quantization`, bytes. */
  readonly bytes: number;
  /** Bytes missing for the smallest format; 0: fits. */
  readonly missing: number;
  /** True if no larger model that keeps the targets decodes as fast. */
  readonly frontier: boolean;
}

/** All models on a machine: the public format `moeprof.models/1`. */
export interface ModelOffers extends Tagged<typeof MODELS_SCHEMA>, Asked {
  /** Most parameters first. */
  readonly models: readonly ModelOffer[];
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
 * @param best maximum of bundled models; absent: all
 */
export async function modelsOn(
  named: readonly string[],
  machine: MachineFinder,
  wishes: ModelWishes,
  next: (done: number, all: number) => Promise<void>,
  best?: number,
): Promise<ModelOffers> {
  const basis = await basisOf(machine, wishes);
  const names = named.length > 0 ? [...new Set(named)] : best === undefined ? offeredModels() : modelsBySize(basis.hardware);
  const models: Omit<ModelOffer, 'frontier'>[] = [];
  const contexts: number[] = [];
  for (const name of names) {
    const offer = await withQuestion(name, basis, wishes, (question) => {
      contexts.push(question.context);
      return offerOf(best === undefined ? question : { ...question, quantizations: question.quantizations.slice(0, 1) });
    });
    if (best === undefined || runsWell(offer, models)) models.push(offer);
    if (models.length === best) break;
    await next(models.length, best ?? names.length);
  }
  const context = Math.max(...contexts);
  const less = contexts.some((context) => context < wishedContext(wishes));
  const ofContext = less ? ['Models that were trained on less context have that.'] : [];
  return {
    ...tagged(MODELS_SCHEMA),
    ...repeated({ ...basis, request: requestShape(wishes, context), context, users: wishes.users ?? 1 }),
    models: withFrontier(models),
    notes: ['Routing is synthetic, drawn as each model routes.', ...ofContext, ...basis.notes, ...assumedOf(basis.hardware)],
  };
}

/** Tokens/s of a model that runs well: four times reading speed. Ours. */
const WELL = 20;

/** The model fits in its usual format, and is faster than all larger models that run well. */
function runsWell({ answer, kept }: Pick<ModelOffer, 'answer' | 'kept'>, larger: readonly Pick<ModelOffer, 'answer'>[]): boolean {
  const least = Math.max(WELL, ...larger.map((offer) => offer.answer!.decode));
  return answer !== null && kept && !answer.setting.fromDisk && answer.decode > least;
}

async function offerOf(asked: Question): Promise<Omit<ModelOffer, 'frontier'>> {
  const { answer, question } = await answered(asked);
  const { quantizations } = question;
  const model = answer?.model ?? question.model(quantizations.at(-1)!);
  const common = { model: model.name, parameters: model.parameters, quantization: model.quantization, bytes: weightBytes(model) };
  if (answer === null) {
    const nothing = { answer: null, preferred: false, kept: false, command: null, bands: null };
    return { ...common, ...nothing, missing: missingBytes(question, quantizations.at(-1)!) };
  }
  const { kept, setting } = answer;
  const preferred = setting.quantization === quantizations[0];
  const advised = { answer: settingOf(question, answer, ''), command: commandOf(question, answer), bands: await bandsOf(question, answer) };
  return { ...common, ...advised, preferred, kept, missing: 0 };
}

function withFrontier(models: readonly Omit<ModelOffer, 'frontier'>[]): ModelOffer[] {
  let fastest = 0;
  const decode = ({ answer, kept }: Omit<ModelOffer, 'frontier'>): number => (kept ? answer!.decode : 0);
  return models
    .toSorted((a, b) => b.parameters.total - a.parameters.total || decode(b) - decode(a))
    .map((offer) => {
      const frontier = decode(offer) > fastest;
      fastest = Math.max(fastest, decode(offer));
      return { ...offer, frontier };
    });
}
