// llama.cpp's `moe-trace` example (ggml-org/llama.cpp PR 28544): CSV `layer,expert`, one row per activation in graph order, no token
// ids. How many rows make a token is the model's top-k; decode passes show it.
import { UserError } from '../../base/errors.js';
import { NumberLines } from '../../base/number-lines.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';
import { Cell, importCells } from './cells.js';
import { expected, type OpenOptions, type TraceFormat } from './format.js';
import { IdBuffer, PassReader } from './passes.js';

const COMMA = 44;

/** `layer,expert` CSV. */
export const llamacppMoeTrace: TraceFormat = {
  name: 'llamacpp-moe-trace',
  summary: 'CSV layer,expert: one activation a line, graph order',
  engines: 'llama.cpp, examples/moe-trace (PR 28544), MOE_TRACE_OUT=file',
  detect: ({ text }) => /^layer,expert\s/.test(text),
  open,
};

/** Visits the runs of lines of one layer. */
function walkRuns(source: TraceSource, visit: (layer: number, run: IdBuffer) => void, at: { place: () => string }): void {
  const lines = new NumberLines(source, 1);
  const run = new IdBuffer();
  at.place = () => lines.place();
  let current = -1;
  while (lines.next()) {
    if (lines.count !== 2 || lines.separator !== COMMA) throw new UserError(`${lines.place()}: not layer,expert`);
    const layer = lines.values[0]!;
    if (layer !== current && run.length > 0) {
      visit(current, run);
      run.length = 0;
    }
    current = layer;
    run.push(lines.values[1]!);
  }
  if (run.length > 0) visit(current, run);
}

function open(source: TraceSource, options: OpenOptions): RoutingTrace {
  const topK = expected(options).topK ?? shortestRun(source);
  return importCells(
    {
      source,
      meta: { format: 'llamacpp-moe-trace' },
      walk(visit, at) {
        const passes = new PassReader(visit, new Cell());
        walkRuns(
          source,
          (layer, run) => {
            if (run.length % topK !== 0) {
              throw new UserError(
                `${at.place()}: ${run.length} activations of layer ${layer} do not split into tokens of ${topK}; name the model with --model`,
              );
            }
            passes.group(layer, run.length / topK, topK, run.ids, at.place);
          },
          at,
        );
      },
    },
    options,
  );
}

/** Activations of the shortest run: those of one decoded token. */
function shortestRun(source: TraceSource): number {
  let shortest = Number.POSITIVE_INFINITY;
  walkRuns(
    source,
    (_layer, run) => {
      if (run.length < shortest) shortest = run.length;
    },
    { place: () => source.path },
  );
  return Number.isFinite(shortest) ? shortest : 1;
}
