// llama.cpp's `moe-trace` example (ggml-org/llama.cpp PR 28544): CSV `layer,expert`, one row per activation in graph order, no token ids. The
// rows of a token are the model's top-k, which decode passes show.
import { UserError } from '../../base/errors.js';
import { NumberLines } from '../../base/number-lines.js';
import type { TraceSource } from '../source.js';
import { Cell } from './cell.js';
import { cellFormat } from './cells.js';
import { expected } from './format.js';
import { PassReader } from './passes.js';

/** `layer,expert` CSV. */
export const llamacppMoeTrace = cellFormat({
  name: 'llamacpp-moe-trace',
  summary: 'CSV layer,expert: one activation a line, graph order',
  engines: 'llama.cpp, examples/moe-trace (PR 28544)',
  turnOn: '`MOE_TRACE_OUT=out.csv`',
  detect: ({ text }) => /^layer,expert\s/.test(text),
  cells(source, options) {
    const topK = expected(options).topK ?? shortestRun(source);
    return {
      walk(visit, at) {
        const passes = new PassReader(visit, new Cell());
        walkRuns(
          source,
          (layer, length, ids) => {
            if (length % topK !== 0) {
              throw new UserError(
                `${at.place()}: ${length} activations of layer ${layer} do not split into tokens of ${topK}; name the model with --model`,
              );
            }
            passes.group(layer, length / topK, topK, ids, at.place);
          },
          at,
        );
      },
    };
  },
});

/** Visits the runs of lines of one layer: `ids[0, length)` are their experts. */
function walkRuns(source: TraceSource, visit: (layer: number, length: number, ids: Int32Array) => void, at: { place: () => string }): void {
  const lines = new NumberLines(source, 1);
  at.place = () => lines.place();
  while (lines.nextPairs()) visit(lines.key, lines.count, lines.values);
}

/**
 * Activations of the shortest run: those of one decoded token.
 * @throws UserError where that is 1, and more runs have the next length: a line is missing, as no model with one choice has it
 */
function shortestRun(source: TraceSource): number {
  const runs = new Map<number, number>();
  walkRuns(source, (_layer, length) => void runs.set(length, (runs.get(length) ?? 0) + 1), { place: () => source.path });
  const [shortest = 1, next = 1] = [...runs.keys()].sort((a, b) => a - b);
  if (shortest === 1 && runs.size > 1 && runs.get(1)! < runs.get(next)!)
    throw new UserError(
      `${source.path}: some layers have 1 activation, more have ${next}; lines are missing, or name the model with --model`,
    );
  return shortest;
}
