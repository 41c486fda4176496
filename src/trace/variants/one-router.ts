import { UserError } from '../../base/errors.js';
import { variant } from './variant.js';

/** Every layer uses the experts of layer 0, as with a single router. */
export const oneRouter = variant({
  name: 'one-router',
  summary: 'every layer takes the experts of the first',
  cites: 'Read-ME, arXiv 2410.19123: one router, before the model, for all layers',
  change({ expertsPerLayer, layers, topK }, _parameters, { spec }) {
    const [first] = expertsPerLayer;
    const fewer = expertsPerLayer.findIndex((experts) => experts < first!);
    if (fewer > 0)
      throw new UserError(
        `variant ${spec}: layer ${fewer} has ${expertsPerLayer[fewer]} experts and the first ${first}; take a trace whose layers have as many`,
      );
    return {
      predicted: false,
      rewrite(source, into) {
        for (let token = 0; token < source.tokens; token++) {
          const from = token * layers * topK;
          for (let to = from; to < from + layers * topK; to += topK) {
            into.experts.set(source.experts.subarray(from, from + topK), to);
            if (into.weights !== null) into.weights.set(source.weights!.subarray(from, from + topK), to);
          }
        }
      },
    };
  },
});
