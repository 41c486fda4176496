// BigMoeOnEdge's route trace: a preamble of comments that names the model and every layer's expert bytes, then CSV
// turn,phase,step,layer,slot,expert,weight,residency,expert_bytes, one row per choice. A turn is a request, a step
// is a position in it.
import { UserError } from '../../base/errors.js';
import { FieldReader, LineScanner } from '../../base/scan.js';
import type { TraceSource } from '../source.js';
import { PHASE } from '../trace.js';
import { Cell, type Cells, type WalkPlace } from './cell.js';
import { cellFormat } from './cells.js';

const COMMA = 44;
const HASH = 35;
const LETTER_T = 116;
const COLUMNS = 'turn,phase,step,layer,slot,expert,weight,residency,expert_bytes';

/** Route CSV of BigMoeOnEdge. */
export const bigMoeOnEdge = cellFormat({
  name: 'bigmoeonedge',
  summary: `"# route_trace v1", then CSV ${COLUMNS}`,
  engines: 'BigMoeOnEdge (llama.cpp on phones)',
  turnOn: 'its route trace',
  detect: ({ text }) => /^# route_trace v1\s/.test(text),
  cells: (source) => ({ ...preambleOf(source), walk: (visit, at) => walkRows(source, visit, at) }),
});

function preambleOf(source: TraceSource): Omit<Cells, 'walk'> {
  const scanner = new LineScanner(source);
  let model: string | null = null;
  let experts: number | null = null;
  const layers: number[] = [];
  const expertBytes: number[] = [];
  while (scanner.next()) {
    const line = scanner.text();
    if (!line.startsWith('#')) break;
    const facts = new Map([...line.matchAll(/(\w+)=(\S+)/g)].map((match) => [match[1]!, match[2]!]));
    const layer = facts.get('layer');
    const bytes = Number(facts.get('expert_bytes') ?? 0);
    if (layer !== undefined && bytes > 0) {
      layers.push(Number(layer));
      expertBytes.push(bytes);
    }
    model ??= facts.get('model') ?? null;
    const count = facts.get('n_expert');
    if (count !== undefined) experts = Number(count);
  }
  if (scanner.text() !== COLUMNS) throw new UserError(`${scanner.place()}: the columns are not ${COLUMNS}`);
  if (layers.length === 0) throw new UserError(`${source.path}: the preamble names no layer with expert_bytes; the recording is damaged`);
  return { layers, ...(experts === null ? {} : { experts }), meta: { model, expertBytes } };
}

/** Visits runs of rows of one token and layer; turns are numbered in order of appearance. */
function walkRows(source: TraceSource, visit: (cell: Cell) => void, at: WalkPlace): void {
  const fields = new FieldReader(source);
  at.place = () => fields.place();
  const turns = new Map<number, number>();
  const field = (what: string): number => {
    const value = fields.integer(what);
    if (!fields.skip(COMMA)) throw new UserError(`${at.place()}: a comma is missing after ${what}`);
    return value;
  };
  const cell = new Cell();
  cell.weighted = true;
  const flush = (): void => {
    if (cell.count > 0) visit(cell);
    cell.count = 0;
  };
  while (fields.nextFilled()) {
    const first = fields.bytes[fields.start];
    if (first === HASH || first === LETTER_T) continue;
    const turn = field('turn');
    const phase = field('phase');
    const step = field('step');
    const layer = field('layer');
    const slot = field('slot');
    const expert = field('expert');
    const weight = Number(fields.word(COMMA));
    if (phase !== PHASE.prefill && phase !== PHASE.decode)
      throw new UserError(`${at.place()}: phase ${phase} is neither 0 (prompt) nor 1 (decode)`);
    if (slot === 0) {
      flush();
      cell.request = turns.get(turn) ?? turns.set(turn, turns.size).size - 1;
      cell.phase = phase;
      cell.token = step;
      cell.layer = layer;
    } else if (slot !== cell.count || layer !== cell.layer) {
      throw new UserError(
        `${at.place()}: slot ${slot} follows ${cell.count} choices of layer ${cell.layer}; the recording is damaged here`,
      );
    }
    cell.push(expert, weight);
  }
  flush();
}
