// Token table: the experts that the same input token id used before. Known before the pass, as soon as the token is sampled.
import { COST, IDS, membersOf, mixtureOf } from './members.js';
import type { PredictorDefinition } from './predictor.js';

/** Registry entry. */
export const tokenTable: PredictorDefinition = {
  name: 'token-table',
  summary: 'the experts that the same token id used before',
  cites: 'lookup by token, as in the hash layers of Roller et al., arXiv 2106.04426; what SiDA, arXiv 2310.18859, learns with a network',
  parameters: { ids: IDS, costNs: COST },
  needs: ['tokenIds'],
  create: (context, { ids, costNs }) => mixtureOf(context, membersOf('token-table', context, 1, Number(ids)), Number(costNs)),
};
