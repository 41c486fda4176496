import { NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace.js';
import { PlaceDraws } from './draws.js';
import { type RoutingChange, type VariantContext, variant } from './variant.js';

/** `random`: experts are uniform without replacement, as many as before; no cache or predictor profits. */
export const randomRouting = variant({
  name: 'random',
  summary: 'experts drawn at random: the worst case of every cache',
  cites: 'THOR, arXiv 2110.04260: experts are activated at random for each input',
  change: (trace, _parameters, context) =>
    drawn(trace, context, 'variant/random', { place: (_source, row, start) => start + row, count: (had) => had }),
});

/** `hash`: each token id has fixed experts at every layer, spread evenly. */
export const hashRouting = variant({
  name: 'hash',
  summary: "experts fixed by the token's id, spread evenly",
  cites: 'Hash layers, arXiv 2106.04426: balanced random hashing of the token',
  needs: () => ['tokenIds'],
  change: (trace, _parameters, context) =>
    drawn(trace, context, 'variant/hash', {
      place: (source, row) => source.tokenId![row]!,
      count: (had, layer) => (had > 0 ? context.choices[layer]! : 0),
    }),
});

/** Place of a token's draws, and number of experts drawn at a layer. */
interface Draws {
  place(source: TraceChunk, row: number, start: number): number;
  count(had: number, layer: number): number;
}

function drawn({ layers, topK }: RoutingTrace, { experts, seed }: VariantContext, stream: string, { count, place }: Draws): RoutingChange {
  const draws = new PlaceDraws(seed, stream);
  return {
    weights: false,
    predicted: false,
    synthetic: true,
    rewrite(source, into, start) {
      for (let token = 0; token < source.tokens; token++) {
        for (let layer = 0; layer < layers; layer++) {
          const at = (token * layers + layer) * topK;
          let had = 0;
          for (let rank = 0; rank < topK; rank++) if (source.experts[at + rank] !== NULL_EXPERT) had++;
          const drawn = count(had, layer);
          draws.at(place(source, token, start), layer);
          draws.subset(drawn, experts[layer]!, into.experts, at);
          into.experts.fill(NULL_EXPERT, at + drawn, at + topK);
        }
      }
    },
  };
}
