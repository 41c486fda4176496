// Routing that two ids decide: a table of single ids cannot know it, whoever reads ids in order can.
import { Random } from '../../../../src/base/random.js';
import type { RoutingTrace } from '../../../../src/trace/trace.js';
import { modelOf, type TestRow, traceOf } from '../../../trace/builders.js';

/** Ids that are drawn, and experts of both layers. */
const WORDS = 4;
export const model = modelOf([
  { experts: 8, topK: 1 },
  { experts: 8, topK: 1 },
]);

/**
 * `requests` requests of `length` tokens, the first half of each a prompt. Of the ids a, b of a token and the one before it, a layer uses
 * expert 2a + (whether b is odd) or 2b + (whether a is odd): each id alone leaves two experts of layer 0, and four of layer 1.
 */
export function pairTrace(requests: number, length: number, seed: number, { tokenIds = true } = {}): RoutingTrace {
  const random = new Random(seed, 'test/pairs');
  const rows: TestRow[] = [];
  for (let request = 0; request < requests; request++) {
    let before = 0;
    for (let position = 0; position < length; position++) {
      const id = random.below(WORDS);
      const phase = position < length / 2 ? 0 : 1;
      const experts = [[2 * id + (before % 2)], [2 * before + (id % 2)]];
      rows.push({ request, phase, ...(tokenIds ? { token: id } : {}), experts });
      before = id;
    }
  }
  return traceOf(rows, 8);
}
