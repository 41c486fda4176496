import { UserError } from '../../base/errors.js';
import type { OwnExport } from '../../base/user-module.js';
import type { ModelSpec } from '../../model/door.js';
import { KNOWLEDGE } from '../../result/knowledge.js';
import type { Predictor, PredictorDefinition } from '../predictor.js';
import { PREDICTORS } from './index.js';

const NEEDS = ['weights', 'tokenIds', 'predicted'];

/** Cost parameter of a module without a stated cost. */
const FREE = { default: 0, description: 'time of one prediction in ns', min: 0 } as const;

/** A module's predictor, also checked during the run. @throws UserError naming the first fault */
export function ownPredictor(exported: OwnExport): PredictorDefinition {
  exported.nameApart(['none', ...PREDICTORS.map(({ name }) => name)]);
  exported.requireMethod('create(context, parameters)');
  for (const method of ['needsWith', 'cost', 'knows']) exported.optionalMethod(method);
  exported.wordsOf('needs', NEEDS);
  const definition = exported.value as PredictorDefinition;
  return {
    ...definition,
    ...exported.described('predictor'),
    parameters: { ...(definition.cost === undefined ? { costNs: FREE } : {}), ...definition.parameters },
    ...exported.guarded(definition, ['needsWith']),
    knows(values, recorded) {
      const known = exported.run('knows', () => definition.knows?.(values, recorded)) ?? { knows: 'nothing' };
      if (KNOWLEDGE.includes(known.knows)) return known;
      throw exported.wrong(`"knows" must return { knows: ${KNOWLEDGE.join(' | ')} }`);
    },
    async create(context, values) {
      let predictor: Predictor;
      try {
        predictor = await definition.create(context, values);
      } catch (error) {
        throw exported.thrown('create', error);
      }
      exported.made(predictor, ['observe', 'predict']);
      const { versions } = predictor;
      if (versions !== undefined && !(versions instanceof Uint32Array && versions.length === context.model.layers.length))
        throw exported.wrong('"versions" must be a Uint32Array with a number for each layer');
      return checked(exported, predictor, context.model);
    },
  };
}

function checked(exported: OwnExport, predictor: Predictor, { layers }: ModelSpec): Predictor {
  const { next, versions } = predictor;
  let before = new Float32Array(0);
  /** Runs `fill`; requires probabilities for layers `first` to `last` and no other change. */
  const check = (method: string, first: number, last: number, scores: Float32Array, fill: () => void): void => {
    if (first > last) return;
    const from = layers[first]!.offset;
    const to = layers[last]!.offset + layers[last]!.experts;
    scores.fill(Number.NaN, from, to);
    if (before.length !== scores.length) before = new Float32Array(scores.length);
    before.set(scores);
    exported.run(method, fill);
    const wrong = (id: number, what: string, instead: string): UserError => {
      const layer = layers.findLast(({ offset }) => offset <= id)!;
      return new UserError(`${exported.shown}: ${method} ${what} of expert ${id - layer.offset} of layer ${layer.index}${instead}`);
    };
    for (let id = from; id < to; id++) {
      const score = scores[id]!;
      if (score >= 0 && score <= 1) continue;
      const what = Number.isNaN(score) ? 'left out, or made NaN, the score' : `gave ${score} as the score`;
      throw wrong(id, what, '; write a probability, 0 to 1, for every expert of the layer');
    }
    for (let id = 0; id < scores.length; id++) {
      if (id === from) id = to;
      if (id >= scores.length || Object.is(scores[id], before[id])) continue;
      const asked = first === last ? `layer ${first} was` : `layers ${first} to ${last} were`;
      throw wrong(id, 'wrote the score', `, and ${asked} asked; leave all others alone`);
    }
  };
  const same: Predictor = {
    observe: (pass, layer) => exported.run('observe', () => predictor.observe(pass, layer)),
    predict(pass, after, horizon, scores) {
      const last = Math.min(layers.length - 1, after + horizon);
      check('predict', after + 1, last, scores, () => predictor.predict(pass, after, horizon, scores));
    },
    ...(versions && { versions }),
    ...(next && { next: (pass, layer, scores) => check('next', layer, layer, scores, () => predictor.next!(pass, layer, scores)) }),
    ...exported.guarded(predictor, ['warnings', 'measured', 'close']),
  };
  return predictor.calls === undefined ? same : Object.defineProperty(same, 'calls', { get: () => predictor.calls });
}
