import { UserError } from '../../base/errors.js';
import { NULL_EXPERT, PHASE } from '../trace.js';
import { keepPrefix } from './prefix.js';
import { variant } from './variant.js';

/** Fisher information over calibration text: github.com/PKU-SEC-Lab/AdapMoE, run.py and run_acc_benchmark.py. */
const PUBLISHED: Readonly<Record<string, readonly number[]>> = {
  'Mixtral-8x7B': [
    46.69, 17.3, 13.02, 7.641, 4.169, 2.23, 1.256, 0.8445, 0.6838, 0.5603, 0.5126, 0.478, 0.4454, 0.4356, 0.3836, 0.3099, 0.2331, 0.1761,
    0.1384, 0.1138, 0.1047, 0.09543, 0.08625, 0.07713, 0.06938, 0.06109, 0.05025, 0.04256, 0.0335, 0.02527, 0.02068, 0.02295,
  ],
  'Mixtral-8x22B': [
    61.74, 30.83, 22.53, 18.12, 15.12, 12.26, 7.301, 4.386, 3.167, 2.322, 1.876, 1.501, 1.272, 1.11, 0.9757, 0.8828, 0.8225, 0.7468, 0.6462,
    0.6081, 0.572, 0.5017, 0.4849, 0.4674, 0.4506, 0.4441, 0.4266, 0.4034, 0.3987, 0.3824, 0.3599, 0.3467, 0.3329, 0.3283, 0.318, 0.3047,
    0.2975, 0.2854, 0.273, 0.2586, 0.2432, 0.2291, 0.2132, 0.1991, 0.1838, 0.1745, 0.1653, 0.1521, 0.143, 0.1259, 0.1048, 0.0855, 0.07233,
    0.06393, 0.05674, 0.08506,
  ],
};

/** Sensitivities by layer: given, separated by slashes, or published for the depth. @throws UserError */
function sensitivities(given: string, layers: number): readonly number[] {
  if (given === '') {
    const [published] = Object.values(PUBLISHED).filter(({ length }) => length === layers);
    if (published !== undefined) return published;
    const known = Object.entries(PUBLISHED).map(([model, { length }]) => `${model} (${length} layers)`);
    throw new UserError(
      `variant sensitivity: no sensitivities of ${layers} layers are published, only of ${known.join(' and ')}; give them: layers=46.7/17.3/...`,
    );
  }
  const values = given.split('/').map(Number);
  if (values.length === layers && values.every((value) => value > 0)) return values;
  throw new UserError(
    `variant sensitivity: layers: '${given}' is no list of ${layers} sensitivities above 0, one a layer; write 46.7/17.3/...`,
  );
}

/**
 * `sensitivity=T`, as AdapMoE: a decoded token keeps the best choice, and choices with a gate share of at least sqrt(T
 * / S), S the layer's sensitivity.
 */
export const sensitivity = variant({
  name: 'sensitivity',
  summary: 'decoded tokens without the choices that their layer can do without',
  cites: 'AdapMoE, arXiv 2408.10284; threshold and sensitivities of github.com/PKU-SEC-Lab/AdapMoE',
  parameters: {
    threshold: { default: 0.005, min: 0, description: 'loss that may be added; the released code takes 0.005' },
    layers: {
      default: '',
      description: 'sensitivity of each layer, with slashes between; empty: published ones of Mixtral',
    },
  },
  main: 'threshold',
  needs: () => ['weights'],
  change(trace, { layers, threshold }) {
    const { topK } = trace;
    const limits = sensitivities(layers, trace.layers).map((sensitivity) => Math.sqrt(threshold / sensitivity));
    return keepPrefix(trace, ({ at, experts, layer, phase, weights }) => {
      if (phase !== PHASE.decode) return topK;
      let total = 0;
      for (let i = at; i < at + topK; i++) if (experts[i] !== NULL_EXPERT) total += weights![i]!;
      let rank = 1;
      while (rank < topK && weights![at + rank]! >= limits[layer]! * total) rank++;
      return rank;
    });
  },
});
