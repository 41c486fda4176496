// BigMoeOnEdge's route trace: a preamble of comments that names the model and every layer's expert bytes, then CSV
// turn,phase,step,layer,slot,expert,weight,residency,expert_bytes, one row per choice. A turn is a request, a step
// is a position in it.
import { UserError } from '../../base/errors.js';
import { FieldReader } from '../../base/field-reader.js';
import { LineScanner } from '../../base/scan.js';
import type { TraceSource } from '../source.js';
import { PHASE } from '../trace.js';
import { Cell, type Cells } from './cell.js';
import { cellFormat } from './cells.js';

const COMMA = 44;
const COLUMNS = 'turn,phase,step,layer,slot,expert,weight,residency,expert_bytes';

/** Route CSV of BigMoeOnEdge. */
export const bigMoeOnEdge = cellFormat({
  name: 'bigmoeonedge',
  summary: `"# route_trace v1", then CSV ${COLUMNS}`,
  engines: 'BigMoeOnEdge (llama.cpp on phones)',
  turnOn: 'its route trace',
  detect: ({ text }) => /^# route_trace v1\s/.test(text),
  cells(source) {
    return {
      ...preambleOf(source),
      walk(visit, at) {
        const cell = new Cell();
        cell.weighted = true;
        walkRows(source, cell, at, (turn) => {
          cell.request = turn;
          visit(cell);
        });
      },
    };
  },
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
function walkRows(source: TraceSource, cell: Cell, at: { place: () => string }, visit: (turn: number) => void): void {
  const scanner = new LineScanner(source);
  const fields = new FieldReader(scanner);
  at.place = () => scanner.place();
  const turns = new Map<number, number>();
  const field = (what: string): number => {
    const value = fields.integer(what);
    if (!fields.skip(COMMA)) throw new UserError(`${scanner.place()}: a comma is missing after ${what}`);
    return value;
  };
  let turn = 0;
  cell.count = 0;
  const flush = (): void => {
    if (cell.count > 0) visit(turn);
    cell.count = 0;
  };
  while (scanner.next()) {
    if (scanner.bytes[scanner.start] === 35 || scanner.blank()) continue;
    if (scanner.bytes[scanner.start] === 116) continue;
    fields.rewind();
    const name = field('turn');
    const phase = field('phase');
    const step = field('step');
    const layer = field('layer');
    const slot = field('slot');
    const expert = field('expert');
    const weight = Number(fields.text(COMMA));
    if (phase !== PHASE.prefill && phase !== PHASE.decode)
      throw new UserError(`${scanner.place()}: phase ${phase} is neither 0 (prompt) nor 1 (decode)`);
    if (slot === 0) {
      flush();
      turn = turns.get(name) ?? turns.set(name, turns.size).size - 1;
      cell.phase = phase;
      cell.token = step;
      cell.layer = layer;
    } else if (slot !== cell.count || layer !== cell.layer) {
      throw new UserError(
        `${scanner.place()}: slot ${slot} follows ${cell.count} choices of layer ${cell.layer}; the recording is damaged here`,
      );
    }
    cell.push(expert, weight);
  }
  flush();
}
