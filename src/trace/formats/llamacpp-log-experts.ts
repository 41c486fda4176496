// llama.cpp's `log_experts` branch: CSV `layer_id,expert_ids`, one row per token and layer in graph order, ids separated by spaces.
import { UserError } from '../../base/errors.js';
import { FieldReader, LineScanner } from '../../base/scan.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';
import { Cell, type CellSource, importCells } from './cells.js';
import type { OpenOptions, TraceFormat } from './format.js';
import { IdBuffer, PassReader } from './passes.js';
import { StridedViewWitness } from './strided-view.js';

const COMMA = 44;

/** `layer_id,expert_ids` CSV. */
export const llamacppLogExperts: TraceFormat = {
  name: 'llamacpp-log-experts',
  summary: 'CSV layer_id,expert_ids: "3,52 40 85 …", graph order',
  engines: 'llama.cpp, branch log_experts of okuvshynov/llama.cpp',
  detect: ({ text }) => /^layer_id,expert_ids\s/.test(text),
  open,
};

/** Visits the groups of the file: rows of one layer in one pass. */
function walkGroups(
  source: TraceSource,
  visit: (layer: number, rows: number, width: number, ids: Int32Array) => void,
  at: { place: () => string },
): void {
  const scanner = new LineScanner(source);
  const fields = new FieldReader(scanner);
  const group = new IdBuffer();
  at.place = () => scanner.place();
  scanner.next();
  let current = -1;
  let rows = 0;
  let width = 0;
  const flush = (): void => {
    if (rows > 0) visit(current, rows, width, group.ids);
    group.length = 0;
    rows = 0;
  };
  while (scanner.next()) {
    if (scanner.blank()) continue;
    fields.rewind();
    const layer = fields.integer('layer_id');
    if (!fields.skip(COMMA)) throw new UserError(`${scanner.place()}: a comma is missing after layer_id`);
    if (layer !== current) flush();
    current = layer;
    const before = group.length;
    for (fields.spaces(); !fields.ended; fields.spaces()) group.push(fields.integer('expert_ids'));
    if (rows > 0 && group.length - before !== width) {
      throw new UserError(
        `${scanner.place()}: ${group.length - before} experts, the row before has ${width}; the recording is damaged here`,
      );
    }
    width = group.length - before;
    rows++;
  }
  flush();
}

function open(source: TraceSource, options: OpenOptions): RoutingTrace {
  refuseStridedView(source);
  const recording: CellSource = {
    source,
    meta: { format: 'llamacpp-log-experts' },
    walk(visit, at) {
      const passes = new PassReader(visit, new Cell());
      walkGroups(source, (layer, rows, width, ids) => passes.group(layer, rows, width, ids, at.place), at);
    },
  };
  return importCells(recording, options);
}

function refuseStridedView(source: TraceSource): void {
  let largest = 0;
  walkGroups(
    source,
    (_layer, rows, width, ids) => {
      for (let i = 0; i < rows * width; i++) if (ids[i]! > largest) largest = ids[i]!;
    },
    { place: () => source.path },
  );
  const witness = new StridedViewWitness();
  walkGroups(source, (_layer, rows, width, ids) => witness.look(ids, rows, width, largest + 1), { place: () => source.path });
  if (witness.found) {
    throw new UserError(
      `${source.path}: prompt rows are ranks of the first token, not routing: the logger read the strided view ffn_moe_topk as if it were ` +
        'packed; record again with a logger that honours nb[1] (decode rows are right, prompt rows cannot be mended)',
    );
  }
}
