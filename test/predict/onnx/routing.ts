// Routing with a structure that a predictor can learn: a cycle of topics decides the experts, and each token id belongs to a topic.
import { Random } from '../../../src/base/random.js';
import type { RoutingTrace } from '../../../src/trace/trace.js';
import { modelOf, type TestRow, traceOf } from '../../trace/builders.js';

/** Layers that differ in experts and top-k. */
export const model = modelOf([
  { experts: 6, topK: 2 },
  { experts: 8, topK: 2 },
  { experts: 5, topK: 1 },
]);

/**
 * `requests` requests of `length` tokens. The next topic is drawn, so it is known only by the token id; what it uses at a layer is fixed
 * by topic and layer, up to a share `noise` of choices that are random.
 */
export function topicTrace(requests: number, length: number, seed: number, noise = 0.1): RoutingTrace {
  const random = new Random(seed, 'test/topics');
  const rows: TestRow[] = [];
  for (let request = 0; request < requests; request++) {
    for (let position = 0; position < length; position++) {
      const topic = random.below(5);
      const experts = model.layers.map(({ experts: count, index, topK }) => {
        const list = Array.from({ length: topK }, (_, rank) => (topic + index + rank * 2) % count);
        if (random.next() < noise) list[0] = (list[0]! + 1) % count === list[1] ? (list[0]! + 3) % count : (list[0]! + 1) % count;
        while (list.length < 2) list.push(0xffff);
        return list;
      });
      rows.push({ request, token: 100 * topic + random.below(3), experts });
    }
  }
  return traceOf(
    rows,
    model.layers.map((layer) => layer.experts),
    { topK: 2 },
  );
}
