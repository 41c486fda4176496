import { UserError } from '../../base/errors.js';
import { grown } from '../../base/grown.js';
import { NumberLines } from '../../base/number-lines.js';
import { hasStridedView } from '../audit/strided-view.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';
import type { WalkPlace } from './cell.js';
import { importCells } from './cells.js';
import type { OpenOptions, TraceFormat } from './format.js';
import { PassReader } from './passes.js';

const COMMA = 44;

/** llama.cpp's `log_experts` branch: CSV `layer_id,expert_ids`, a row per token and layer in graph order. */
export const llamacppLogExperts: TraceFormat = {
  name: 'llamacpp-log-experts',
  detect: ({ text }) => /^layer_id,expert_ids\s/.test(text),
  open,
};

function open(source: TraceSource, options: OpenOptions): RoutingTrace {
  const meta = { format: 'llamacpp-log-experts' };
  const trace = importCells({ source, meta, walk: (visit, at) => walkGroups(source, new PassReader(visit, at), at) }, options);
  if (!hasStridedView(trace)) return trace;
  trace.close();
  throw new UserError(
    `${source.path}: prompt rows are ranks of the first token, not routing: the logger read the strided view ffn_moe_topk as if it were ` +
      'packed; record again with a logger that honours nb[1] (decode rows are right, prompt rows cannot be mended)',
  );
}

function walkGroups(source: TraceSource, passes: PassReader, at: WalkPlace): void {
  const lines = new NumberLines(source, 1);
  let ids: Int32Array = new Int32Array(1024);
  at.place = () => lines.place();
  let current = -1;
  let rows = 0;
  let width = 0;
  const flush = (): void => {
    if (rows > 0) passes.group(current, rows, width, ids);
    rows = 0;
  };
  while (lines.next()) {
    const layer = lines.values[0]!;
    if (lines.separator !== COMMA) throw new UserError(`${lines.place()}: a comma is missing after layer_id`);
    if (layer !== current) flush();
    current = layer;
    if (rows > 0 && lines.count - 1 !== width)
      throw new UserError(`${lines.place()}: ${lines.count - 1} experts, the row before has ${width}; the recording is damaged here`);
    width = lines.count - 1;
    const from = rows++ * width;
    if (from + width > ids.length) ids = grown(ids, from + width);
    for (let k = 0; k < width; k++) ids[from + k] = lines.values[k + 1]!;
  }
  flush();
}
