// A predictor of the user's own, checked when it is loaded and while it runs: an invalid probability, or one for a layer that was not asked
// for, would silently falsify prefetching.

import { UserError } from '../../base/errors.js';
import type { Parameters } from '../../base/parameters.js';
import type { OwnExport } from '../../base/user-module.js';
import type { ModelSpec } from '../../model/door.js';
import { KNOWLEDGE } from '../../result/knowledge.js';
import type { Pass } from '../../schedule/door.js';
import type { Predictor, PredictorDefinition } from '../predictor.js';
import { PREDICTORS } from './index.js';

const NEEDS = ['weights', 'tokenIds', 'predicted'];

/** Time of a prediction of the user's own, where the module does not say what it costs: nothing. */
const FREE = { default: 0, description: 'time of one prediction in ns', min: 0 } as const;

/** The predictor that a module exports. @throws UserError naming the first thing that keeps it from being used */
export function ownPredictor(own: OwnExport): PredictorDefinition {
  own.nameApart(['none', ...PREDICTORS.map(({ name }) => name)]);
  own.requireMethod('create(context, parameters)');
  for (const method of ['needsWith', 'cost', 'knows']) own.optionalMethod(method);
  own.wordsOf('needs', NEEDS);
  const definition = own.value as PredictorDefinition;
  return {
    ...definition,
    ...own.described('predictor'),
    parameters: { ...(definition.cost === undefined ? { costNs: FREE } : {}), ...definition.parameters },
    ...(definition.needsWith === undefined
      ? {}
      : { needsWith: (values: Parameters) => own.run('needsWith', () => definition.needsWith!(values)) }),
    knows(values, recorded) {
      const known = own.run('knows', () => definition.knows?.(values, recorded)) ?? { knows: 'nothing' };
      if (KNOWLEDGE.includes(known.knows)) return known;
      throw own.wrong(`"knows" must return { knows: ${KNOWLEDGE.join(' | ')} }`);
    },
    async create(context, values) {
      let predictor: Predictor;
      try {
        predictor = await definition.create(context, values);
      } catch (error) {
        throw own.thrown('create', error);
      }
      own.made(predictor, ['observe', 'predict']);
      const { versions } = predictor;
      if (versions !== undefined && !(versions instanceof Uint32Array && versions.length === context.model.layers.length)) {
        throw own.wrong('"versions" must be a Uint32Array with a number for each layer');
      }
      return new CheckedPredictor(own, predictor, context.model);
    },
  };
}

/** The same predictor, whose scores are checked. */
class CheckedPredictor implements Predictor {
  declare readonly versions?: Uint32Array;
  declare readonly calls?: number;
  declare next?: NonNullable<Predictor['next']>;
  declare warnings?: NonNullable<Predictor['warnings']>;
  declare measured?: NonNullable<Predictor['measured']>;
  declare close?: NonNullable<Predictor['close']>;
  readonly #own: OwnExport;
  readonly #predictor: Predictor;
  readonly #model: ModelSpec;
  #before = new Float32Array(0);

  constructor(own: OwnExport, predictor: Predictor, model: ModelSpec) {
    this.#own = own;
    this.#predictor = predictor;
    this.#model = model;
    // An absent field has a meaning, so it stays absent.
    if (predictor.versions !== undefined) this.versions = predictor.versions;
    if (predictor.calls !== undefined) Object.defineProperty(this, 'calls', { get: () => predictor.calls });
    if (predictor.next !== undefined) {
      this.next = (pass, layer, scores) => this.#checked('next', layer, layer, scores, () => predictor.next!(pass, layer, scores));
    }
    if (predictor.warnings !== undefined) this.warnings = () => own.run('warnings', () => predictor.warnings!());
    if (predictor.measured !== undefined) this.measured = () => own.run('measured', () => predictor.measured!());
    if (predictor.close !== undefined) this.close = () => own.run('close', () => predictor.close!());
  }

  observe(pass: Pass, layer: number): void {
    this.#own.run('observe', () => this.#predictor.observe(pass, layer));
  }

  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    const last = Math.min(this.#model.layers.length - 1, after + horizon);
    this.#checked('predict', after + 1, last, scores, () => this.#predictor.predict(pass, after, horizon, scores));
  }

  /** Lets `fill` write the scores of layers `first` to `last`, and makes sure that these are probabilities and all others are as they were. */
  #checked(method: string, first: number, last: number, scores: Float32Array, fill: () => void): void {
    const { layers } = this.#model;
    if (first > last) return;
    const from = layers[first]!.offset;
    const to = layers[last]!.offset + layers[last]!.experts;
    scores.fill(Number.NaN, from, to);
    if (this.#before.length !== scores.length) this.#before = new Float32Array(scores.length);
    this.#before.set(scores);
    this.#own.run(method, fill);
    for (let id = from; id < to; id++) {
      const score = scores[id]!;
      if (!(score >= 0 && score <= 1)) throw this.#wrong(method, id, score);
    }
    for (let id = 0; id < scores.length; id++) {
      if (id === from) id = to;
      if (id < scores.length && !Object.is(scores[id], this.#before[id])) throw this.#stray(method, id, first, last);
    }
  }

  #wrong(method: string, id: number, score: number): UserError {
    const what = Number.isNaN(score) ? 'left out, or made NaN, the score' : `gave ${score} as the score`;
    return new UserError(
      `${this.#own.shown}: ${method} ${what} of ${this.#named(id)}; write a probability, 0 to 1, for every expert of the layer`,
    );
  }

  #stray(method: string, id: number, first: number, last: number): UserError {
    const asked = first === last ? `layer ${first} was` : `layers ${first} to ${last} were`;
    return new UserError(`${this.#own.shown}: ${method} wrote the score of ${this.#named(id)}, and ${asked} asked; leave all others alone`);
  }

  #named(id: number): string {
    const layer = this.#model.layers.findLast(({ offset }) => offset <= id)!;
    return `expert ${id - layer.offset} of layer ${layer.index}`;
  }
}
