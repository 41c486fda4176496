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

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
const MODELS_SCHEMA = 'moeprof.models/1';

/** One model on the machine. */
export interface ModelOffer extends Pick<Advice, 'model' | 'answer' | 'kept' | 'command' | 'bands'> {
  readonly parameters: ModelSpec['parameters'];
  /** Of the answer; if nothing fits, of the smallest format on offer. */
  readonly quantization: string;
  /** The answer has the first format on offer; false: one of fewer bits, which costs quality. */
  readonly preferred: boolean;
  /** Bytes of the weights in this format. */
  readonly bytes: number;
  /** Bytes of memory that the smallest format lacks; 0: a setting fits. */
  readonly missing: number;
  /** No other that keeps the targets is both larger and faster to decode. */
  readonly frontier: boolean;
}

/** All models on one machine: the public format `moeprof.models/1`. */
export interface ModelOffers extends Tagged<typeof MODELS_SCHEMA>, Asked {
  /** Most parameters first. */
  readonly models: readonly ModelOffer[];
}

/** Wishes that hold for any model: a recording is of one. */
export type ModelWishes = Omit<AdviceWishes, 'trace'>;

/**
 * Models that a machine runs, with settings and speeds: `moeprof advise` with several models, or with none. @throws UserError if something is unknown
 * @param machine a bundled name, a file, or parts: `rtx-3090+ryzen-9-5950x+64GB`
 * @param models each a bundled name, a file or a folder; none: all bundled ones
 */
export function modelsFor(machine: string, models: readonly string[] = [], wishes: ModelWishes = {}): Promise<ModelOffers> {
  return modelsOn(models, machineNamed(machine), wishes, async () => undefined);
}

/** As {@link modelsFor}, on a machine found for the runtime. @param next called with models done, and all @param best most bundled; absent: all */
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

/** Tokens/s from which a model runs well: about four times as fast as one reads. Ours. */
const WELL = 20;

/** True if a model fits in its usual format, and is faster than all larger ones that run well. */
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

/** The largest first, and which of them no other outdoes. */
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
