// What a trace demands, as plain values: of moeprof's readers, and of second ones that were written from docs/trace-formats.md and share
// nothing with them.
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../../../src/trace/trace.js';

/** One token: its request by order, its position there, 0 for a prompt's and 1 for a generated one, and its experts by layer. */
export interface DemandRow {
  readonly request: number;
  readonly position: number;
  readonly phase: number;
  readonly experts: readonly (readonly number[])[];
}

/** A second reader found the file damaged. */
export class Damaged extends Error {}

/** The choices of one token at one layer, as a recording has them. Phase null: not stated. */
export interface NaiveCell {
  readonly request: unknown;
  readonly token: number;
  readonly layer: number;
  readonly phase: number | null;
  readonly experts: readonly number[];
}

/** All of a trace, as moeprof reads it. */
export function demandOf(trace: RoutingTrace): DemandRow[] {
  const { layers, topK, tokens } = trace;
  const chunk = allocateChunk(trace, Math.max(1, tokens));
  trace.read(0, tokens, chunk);
  return Array.from({ length: tokens }, (_, row) => ({
    request: chunk.request[row]!,
    position: chunk.position[row]!,
    phase: chunk.phase[row]!,
    experts: Array.from({ length: layers }, (__, layer) => {
      const from = (row * layers + layer) * topK;
      return [...chunk.experts.subarray(from, from + topK)].filter((id) => id !== NULL_EXPERT);
    }),
  }));
}

/** Rows of cells in any order: requests as they appear, tokens by number, layers by number. */
export function rowsOfCells(cells: readonly NaiveCell[], declared: readonly number[] = []): DemandRow[] {
  const layers = [...new Set([...declared, ...cells.map(({ layer }) => layer)])].sort((a, b) => a - b);
  const requests = [...new Set(cells.map(({ request }) => request))];
  return requests.flatMap((name, request) => {
    const own = cells.filter((cell) => cell.request === name);
    const byToken = new Map<number, Map<number, readonly number[]>>();
    for (const { experts, layer, token } of own) {
      const row = byToken.get(token) ?? new Map<number, readonly number[]>();
      if (row.has(layer)) throw new Damaged(`token ${token} stands twice at layer ${layer}`);
      byToken.set(token, row.set(layer, checkedIds(experts)));
    }
    const lastPrompt = Math.max(-1, ...own.filter(({ phase }) => phase === 0).map(({ token }) => token));
    const positions = [...byToken.keys()].sort((a, b) => a - b);
    if (positions.at(-1)! - positions[0]! !== positions.length - 1) throw new Damaged('a token is missing');
    return positions.map((position) => ({
      request,
      position,
      phase: position <= lastPrompt ? 0 : 1,
      experts: layers.map((layer) => byToken.get(position)!.get(layer) ?? []),
    }));
  });
}

/** Ids without the null choices. @throws Damaged where one is no id, or stands twice */
export function checkedIds(ids: readonly number[]): number[] {
  for (const id of ids) if (!Number.isInteger(id) || id < -1 || id > 65_534) throw new Damaged(`${id} is no expert`);
  const chosen = ids.filter((id) => id >= 0);
  if (new Set(chosen).size < chosen.length) throw new Damaged('an expert stands twice');
  return chosen;
}

/** A group of rows of one layer, as a graph computes them. */
export interface Group {
  readonly layer: number;
  readonly rows: readonly (readonly number[])[];
}

/** Rows of groups in graph order: layers begin again with each pass; a pass of several tokens is a prompt, which after decoding begins a request. */
export function rowsOfGraph(groups: readonly Group[]): DemandRow[] {
  const cells: NaiveCell[] = [];
  let [request, first, tokens, before, decoded] = [-1, 0, 0, Number.POSITIVE_INFINITY, true];
  for (const { layer, rows } of groups) {
    if (layer <= before) {
      const isPrompt = rows.length > 1;
      first += tokens;
      if (request < 0 || (isPrompt && decoded)) [request, first] = [request + 1, 0];
      [tokens, decoded] = [rows.length, !isPrompt];
    }
    before = layer;
    if (rows.length > tokens) throw new Damaged('a layer has more rows than its pass');
    rows.forEach((experts, row) => {
      cells.push({ request, token: first + tokens - rows.length + row, layer, phase: tokens > 1 ? 0 : 1, experts });
    });
  }
  return rowsOfCells(cells);
}
