import { UserError } from '../../base/errors.js';
import { NULL_EXPERT } from '../trace.js';
import { PlaceDraws } from './draws.js';
import { keepPrefix } from './prefix.js';
import { variant } from './variant.js';

/**
 * `null=m`: m null experts, chosen as often as others; `null:weight=w`: all with gate weight w. They compute nothing.
 */
export const nullExperts = variant({
  name: 'null',
  summary: 'null experts beside the true ones: a variable true k',
  cites: 'AdaMoE, arXiv 2406.13233: top-k over true and null experts; the balance loss makes null experts as likely as true ones',
  parameters: {
    experts: { default: 0, min: 0, description: 'null experts per layer, each chosen as often as a true one' },
    weight: {
      default: 0,
      min: 0,
      max: 1,
      description: 'gate weight of every null expert: choices below it lose their place',
    },
  },
  main: 'experts',
  needs: ({ weight }) => (weight > 0 ? ['weights'] : []),
  change(trace, parameters, { experts, seed, spec }) {
    const nulls = parameters.experts;
    // Single precision, like recorded weights.
    const weight = Math.fround(parameters.weight);
    if (nulls > 0 === weight > 0 || !Number.isInteger(nulls))
      throw new UserError(`variant ${spec}: say either how many null experts there are (null=8) or their gate weight (null:weight=0.1)`);
    const { topK } = trace;
    if (weight > 0)
      return keepPrefix(trace, (cell) => {
        let rank = 0;
        while (rank < topK && cell.weights![cell.at + rank]! > weight) rank++;
        return rank;
      });
    const draws = new PlaceDraws(seed, 'variant/null');
    // Of k choices, draws without replacement from E true and m null experts decide how many are null; lowest ranks
    // first.
    return keepPrefix(trace, (cell) => {
      draws.at(cell.row, cell.layer);
      let left = nulls;
      let all = experts[cell.layer]! + nulls;
      let kept = 0;
      for (let i = cell.at; i < cell.at + topK; i++) {
        if (cell.experts[i] === NULL_EXPERT) continue;
        if (draws.next() * all < left) left--;
        else kept++;
        all--;
      }
      return rankOf(cell.experts, cell.at, topK, kept);
    });
  },
});

function rankOf(experts: Uint16Array, at: number, topK: number, wanted: number): number {
  let rank = 0;
  for (let found = 0; rank < topK && found < wanted; rank++) if (experts[at + rank] !== NULL_EXPERT) found++;
  return rank;
}
