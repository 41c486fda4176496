import { UserError } from '../../base/errors.js';
import { NumberLines } from '../../base/number-lines.js';
import type { TraceSource } from '../source.js';
import { cellFormat } from './cells.js';
import { expected } from './format.js';
import { PassReader } from './passes.js';

/** llama.cpp's `moe-trace` example (ggml-org/llama.cpp PR 28544): CSV `layer,expert`, a row per activation, no ids. */
export const llamacppMoeTrace = cellFormat({
  name: 'llamacpp-moe-trace',
  detect: ({ text }) => /^layer,expert\s/.test(text),
  cells(source, options) {
    const topK = expected(options).topK ?? shortestRun(source);
    return {
      walk(visit, at) {
        const lines = new NumberLines(source, 1);
        const passes = new PassReader(visit, at);
        at.place = () => lines.place();
        while (lines.nextPairs()) {
          const { count, key: layer, values } = lines;
          if (count % topK !== 0)
            throw new UserError(
              `${at.place()}: ${count} activations of layer ${layer} do not split into tokens of ${topK}; name the model with --model`,
            );
          passes.group(layer, count / topK, topK, values);
        }
      },
    };
  },
});

/**
 * Shortest run of a layer's lines: top-k of a decoded token, more in a file of prompts alone. @throws UserError if it is
 * 1 and runs of the next length are more frequent: lines are missing
 */
function shortestRun(source: TraceSource): number {
  const runs = new Map<number, number>();
  const lines = new NumberLines(source, 1);
  while (lines.nextPairs()) runs.set(lines.count, (runs.get(lines.count) ?? 0) + 1);
  const [shortest = 1, next = 1] = [...runs.keys()].sort((a, b) => a - b);
  if (shortest === 1 && runs.size > 1 && runs.get(1)! < runs.get(next)!)
    throw new UserError(
      `${source.path}: some layers have 1 activation, more have ${next}; lines are missing, or name the model with --model`,
    );
  return shortest;
}
