// BigMoeOnEdge's route trace: comments with model and expert bytes of every layer, then CSV with a row per choice,
// turn,phase,step,layer,slot,expert,weight,residency,expert_bytes.
import { UserError } from '../../base/errors.js';
import { FieldReader, LineScanner } from '../../base/scan.js';
import type { TraceSource } from '../source.js';
import { PHASE } from '../trace.js';
import { Cell, type Cells, type WalkPlace } from './cell.js';
import { cellFormat } from './cells.js';

const COMMA = 44;
const COLUMNS = 'turn,phase,step,layer,slot,expert,weight,residency,expert_bytes';

/** Route CSV of BigMoeOnEdge. */
export const bigMoeOnEdge = cellFormat({
  name: 'bigmoeonedge',
  detect: ({ text }) => /^# route_trace v1\s/.test(text),
  cells: (source) => {
    const { lines, ...declared } = preambleOf(source);
    return { ...declared, walk: (visit, at) => walkRows(source, lines, visit, at) };
  },
});

function preambleOf(source: TraceSource): Omit<Cells, 'walk'> & { readonly lines: number } {
  const scanner = new LineScanner(source);
  let model: string | null = null;
  let experts: number | null = null;
  const sizes = new Map<number, number>();
  while (scanner.next()) {
    const line = scanner.text();
    if (!line.startsWith('#')) break;
    const facts = factsOf(line, scanner.place());
    const layer = wholeOf(facts, 'layer', scanner.place());
    const bytes = wholeOf(facts, 'expert_bytes', scanner.place());
    // Dense layers have experts of 0 bytes.
    if (layer !== null && bytes !== null && bytes > 0) {
      if (sizes.has(layer)) throw new UserError(`${scanner.place()}: layer ${layer} is declared twice; the preamble is damaged`);
      sizes.set(layer, bytes);
    }
    model ??= facts.get('model') ?? null;
    experts = wholeOf(facts, 'n_expert', scanner.place()) ?? experts;
  }
  if (scanner.text() !== COLUMNS) throw new UserError(`${scanner.place()}: the columns are not ${COLUMNS}`);
  if (sizes.size === 0) throw new UserError(`${source.path}: the preamble names no layer with expert_bytes; the recording is damaged`);
  const layers = [...sizes.keys()].sort((a, b) => a - b);
  const meta = { model, expertBytes: layers.map((layer) => sizes.get(layer)!) };
  return { layers, ...(experts === null ? {} : { experts }), meta, lines: scanner.line };
}

/** `key=value` pairs of a line. @throws UserError for a repeated key */
function factsOf(line: string, place: string): ReadonlyMap<string, string> {
  const all = [...line.matchAll(/(\w+)=(\S+)/g)].map((match) => [match[1]!, match[2]!] as const);
  const facts = new Map(all);
  if (facts.size < all.length) throw new UserError(`${place}: a key stands twice; the preamble is damaged`);
  return facts;
}

function wholeOf(facts: ReadonlyMap<string, string>, key: string, place: string): number | null {
  const text = facts.get(key);
  if (text === undefined) return null;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new UserError(`${place}: ${key} is ${JSON.stringify(text)}; a whole number is expected`);
  return value;
}

/** Visits runs of rows of a token and layer. */
function walkRows(source: TraceSource, preamble: number, visit: (cell: Cell) => void, at: WalkPlace): void {
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
  for (let line = 0; line < preamble; line++) fields.next();
  while (fields.nextFilled()) {
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
