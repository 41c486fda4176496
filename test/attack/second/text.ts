// Second readers of the text formats, by name of the format: from docs/trace-formats.md, the whole file at once, no reuse of src.
import { checkedIds, Damaged, type DemandRow, type Group, type NaiveCell, rowsOfCells, rowsOfGraph } from './demand.js';

type Json = Readonly<Record<string, unknown>>;
/** @param topK choices of a token, where a model is named */
type SecondReader = (text: string, topK?: number) => DemandRow[];

const linesOf = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Damaged('no JSON');
  }
}

/** The objects of a file: one a line, a list of them, or one. */
export function objectsOf(text: string): Json[] {
  const lines = linesOf(text);
  const areLines = lines.length > 1 && lines[0]!.trim().startsWith('{') && lines[0]!.trim().endsWith('}') && lines[1]!.startsWith('{');
  const values = areLines ? lines.map(parse) : [parse(text.replace(/^\uFEFF/, ''))].flat();
  for (const value of values) if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Damaged('no object');
  return values as Json[];
}

/** @throws Damaged where a text is no whole number, however it is spelt */
function whole(text: string | undefined): number {
  const number = /^\s*[+-]?\d+(\.0*)?([eE]\+?\d+)?\s*$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new Damaged(`${text} is no whole number`);
  return number;
}

function wholeOf(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Damaged('no whole number');
  return value as number;
}

function idsOf(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).map(wholeOf);
}

const PROMPT = ['prefill', 'prompt', 'extend', '0'];
const GENERATED = ['decode', 'generate', 'generated', 'generation', '1'];

function phaseOf(value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null;
  const word = String(value).toLowerCase();
  if (PROMPT.includes(word)) return 0;
  if (GENERATED.includes(word)) return 1;
  throw new Damaged(`phase ${word}`);
}

/** Numbers the records of each request and layer. */
function counter(): (request: unknown, layer: number) => number {
  const counts = new Map<string, number>();
  return (request, layer) => {
    const key = JSON.stringify([request ?? null, layer]);
    counts.set(key, (counts.get(key) ?? -1) + 1);
    return counts.get(key)!;
  };
}

/** Names of fields, in the order in which they are looked for. */
const USUAL = {
  layer: ['layer', 'layer_id', 'layer_idx', 'layer_index'],
  experts: ['experts', 'expert_ids', 'expert_id', 'expert', 'selected_experts', 'topk_ids', 'top_experts', 'expert_indices'],
  token: ['token_index', 'token_idx', 'token_position', 'position', 'pos', 'token', 'step'],
  request: ['request', 'request_id', 'req_id', 'sequence', 'seq', 'seq_id', 'prompt_id', 'prompt_index', 'sample_id'],
  phase: ['phase', 'stage'],
};

type Names = Readonly<Partial<Record<keyof typeof USUAL, string>>>;

function usualNames(names: readonly string[]): Names {
  return Object.fromEntries(
    Object.entries(USUAL).flatMap(([column, usual]) => {
      const found = usual.map((one) => names.find((name) => name.trim().toLowerCase() === one)).find((name) => name !== undefined);
      return found === undefined ? [] : [[column, found]];
    }),
  );
}

function records(named: Names | null): SecondReader {
  return (text) => {
    const objects = objectsOf(text);
    const { experts, layer, phase, request, token } = named ?? usualNames(Object.keys(objects[0]!));
    const count = counter();
    return rowsOfCells(
      objects.map((record): NaiveCell => {
        const [own, at] = [request === undefined ? null : record[request], wholeOf(record[layer!])];
        return {
          request: own,
          layer: at,
          token: token === undefined ? count(own, at) : wholeOf(record[token]),
          phase: phase === undefined ? null : phaseOf(record[phase]),
          experts: idsOf(record[experts!]),
        };
      }),
    );
  };
}

/** Fields of a line as RFC 4180 has them. @throws Damaged where a quotation mark stands elsewhere */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; at++) {
    let field = '';
    if (line[at] === '"') {
      for (at++; line[at] !== '"' || line[at + 1] === '"'; at++) {
        if (at >= line.length) throw new Damaged('a quotation mark is missing');
        if (line[at] === '"') at++;
        field += line[at];
      }
      if (++at < line.length && line[at] !== ',') throw new Damaged('text behind a quotation mark');
    } else {
      while (at < line.length && line[at] !== ',') field += line[at++];
      if (field.includes('"')) throw new Damaged('a quotation mark within a field');
    }
    fields.push(field);
  }
  return fields;
}

const csv: SecondReader = (text) => {
  const all = text.replace(/^\uFEFF/, '').split('\n');
  const header = fieldsOf(all[0]!.replace(/\r$/, ''));
  const { experts, layer, phase, request, token } = usualNames(header);
  const count = counter();
  const cells: NaiveCell[] = [];
  for (const line of linesOf(all.slice(1).join('\n'))) {
    const fields = fieldsOf(line);
    if (fields.length !== header.length) throw new Damaged('another number of fields than the header');
    const at = (name: string | undefined): string | undefined => (name === undefined ? undefined : fields[header.indexOf(name)]);
    const ids = (at(experts) ?? '').split(/[^\w.+-]+/).filter((part) => part !== '');
    const own = { request: at(request), layer: whole(at(layer)), experts: ids.map(whole) };
    const position = token === undefined ? count(own.request, own.layer) : whole(at(token));
    const before = cells.at(-1);
    // One activation a row: rows of one token follow each other.
    if (ids.length === 1 && before?.request === own.request && before?.layer === own.layer && before?.token === position)
      cells[cells.length - 1] = { ...before!, experts: [...before!.experts, ...own.experts] };
    else cells.push({ ...own, token: position, phase: phaseOf(at(phase)) });
  }
  return rowsOfCells(cells);
};

const jsonl: SecondReader = (text) => {
  const objects = linesOf(text).map(parse) as Json[];
  const header = 'format' in objects[0]! ? (objects.shift() as Record<string, string>) : {};
  const last = new Map<unknown, number>();
  const order: unknown[] = [];
  const layers = header.num_layers === undefined ? (objects[0]!.experts as unknown[]).length : whole(header.num_layers);
  return objects.map(({ experts, phase, position, request = 0 }) => {
    const lists = experts as number[][];
    if (!Array.isArray(lists) || lists.length !== layers) throw new Damaged('another number of layers');
    const at = position === undefined ? (last.get(request) ?? -1) + 1 : wholeOf(position);
    if (order.includes(request) && order.at(-1) !== request) throw new Damaged('a request goes on');
    if (at <= (last.get(request) ?? -1)) throw new Damaged('positions do not ascend');
    if (order.at(-1) !== request) order.push(request);
    last.set(request, at);
    return { request: order.length - 1, position: at, phase: phaseOf(phase) ?? 1, experts: lists.map((ids) => checkedIds(ids)) };
  });
};

/** Groups of lines that follow one another and have one key. */
function groupsOf(lines: readonly (readonly [key: number, layer: number, ids: readonly number[]])[]): Group[] {
  const groups: { key: number; layer: number; rows: (readonly number[])[] }[] = [];
  for (const [key, layer, ids] of lines) {
    if (groups.at(-1)?.key === key) groups.at(-1)!.rows.push(ids);
    else groups.push({ key, layer, rows: [ids] });
  }
  return groups;
}

const numbersOf = (line: string): number[] => line.split(/[\s,]+/).flatMap((part) => (part === '' ? [] : [whole(part)]));

const logExperts: SecondReader = (text) =>
  rowsOfGraph(
    groupsOf(
      linesOf(text)
        .slice(1)
        .map((line) => {
          const [layer = -1, ...ids] = numbersOf(line);
          return [layer, layer, ids] as const;
        }),
    ),
  );

const moeTrace: SecondReader = (text, named) => {
  const pairs = linesOf(text).slice(1).map(numbersOf);
  if (pairs.some((pair) => pair.length !== 2)) throw new Damaged('no pair');
  const runs = groupsOf(pairs.map(([layer, id]) => [layer!, layer!, [id!]] as const));
  const topK = named ?? Math.min(...runs.map(({ rows }) => rows.length));
  return rowsOfGraph(
    runs.map(({ layer, rows }) => {
      if (rows.length % topK !== 0) throw new Damaged('runs do not split');
      const ids = rows.flat();
      return { layer, rows: Array.from({ length: ids.length / topK }, (_, row) => ids.slice(row * topK, (row + 1) * topK)) };
    }),
  );
};

const colibri: SecondReader = (text) => {
  const lines = linesOf(text).map((line) => {
    const [call, row, layer, ...chosen] = line.trimEnd().split(' ');
    return { call: whole(call), row: whole(row), layer: whole(layer), ids: chosen.map((one) => whole(one.split(':')[0])) };
  });
  const groups = groupsOf(lines.map(({ call, layer, ids }) => [call, layer, ids] as const));
  let at = 0;
  for (const { layer, rows } of groups)
    for (let row = 0; row < rows.length; row++, at++)
      if (lines[at]!.row !== row || lines[at]!.layer !== layer) throw new Damaged('rows of a call are out of order');
  return rowsOfGraph(groups);
};

const megatron: SecondReader = (text) =>
  rowsOfGraph(
    objectsOf(text)
      .filter(
        ({ block = 'decoder', mtp_idx, stage = 'pre_dispatch' }) =>
          stage === 'pre_dispatch' && block === 'decoder' && mtp_idx === undefined,
      )
      .map(({ layer, top_indices }) => ({ layer: wholeOf(layer), rows: (top_indices as unknown[]).map(idsOf) }))
      .filter(({ rows }) => rows.length > 0),
  );

const imp: SecondReader = (text) => {
  const list = parse(text.replace(/^\uFEFF/, '')) as unknown[];
  return rowsOfGraph(
    list.map((entry) => {
      const [layer = -1, ...ids] = idsOf(entry);
      return { layer, rows: [ids] };
    }),
  );
};

const fingerprint: SecondReader = (text) => {
  const texts = objectsOf(text).filter(({ router_data }) => (router_data as unknown[]).length > 0);
  const number = (name: string, prefix: string): number => {
    if (!name.startsWith(prefix)) throw new Damaged(name);
    return whole(name.slice(prefix.length));
  };
  return rowsOfCells(
    texts.flatMap(({ router_data }, request) =>
      (router_data as Json[]).flatMap((entry) =>
        Object.entries(entry).flatMap(([token, layers]) =>
          Object.entries(layers as Json).map(
            ([layer, choice]): NaiveCell => ({
              request,
              token: number(token, 'token_'),
              layer: number(layer, 'layer_'),
              phase: 1,
              experts: idsOf((choice as Json).selected_experts),
            }),
          ),
        ),
      ),
    ),
  );
};

const bigMoeOnEdge: SecondReader = (text) => {
  const lines = linesOf(text);
  const columns = lines.findIndex((line) => line.startsWith('turn,'));
  const cells: NaiveCell[] = [];
  for (const line of lines.slice(columns + 1)) {
    const [turn, phase, step, layer, slot, expert] = line.split(',').slice(0, 6).map(whole) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const before = cells.at(-1);
    if (slot === 0) cells.push({ request: turn, token: step, layer, phase: wholeOf(phaseOf(phase)), experts: [expert] });
    else if (before?.experts.length !== slot || before.layer !== layer) throw new Damaged('slots are out of order');
    else cells[cells.length - 1] = { ...before, experts: [...before.experts, expert] };
  }
  return rowsOfCells(cells, [...declaredBytes(text).keys()]);
};

/** Bytes of an expert by layer, as BigMoeOnEdge declares them above its columns. */
function declaredBytes(text: string): Map<number, number> {
  const declared = new Map<number, number>();
  for (const line of linesOf(text)) {
    if (line.startsWith('turn,')) break;
    const [layer, bytes] = ['layer', 'expert_bytes'].map((key) => new RegExp(`[# ]${key}=(\\S+)`).exec(line)?.[1]);
    if (layer === undefined || bytes === undefined || whole(bytes) === 0) continue;
    if (declared.has(whole(layer))) throw new Damaged('a layer is declared twice');
    declared.set(whole(layer), whole(bytes));
  }
  return declared;
}

const cacheLab: SecondReader = (text) => {
  const [metadata, ...selections] = objectsOf(text);
  if (metadata!.format_version !== 1) throw new Damaged('of another version');
  return rowsOfCells(
    selections.map(({ layer, phase, record_type, selected_experts, token_position }): NaiveCell => {
      if (record_type !== 'routing_selection') throw new Damaged('no selection');
      return { request: 0, layer: wholeOf(layer), token: wholeOf(token_position), phase: phaseOf(phase), experts: idsOf(selected_experts) };
    }),
  );
};

/** By name of the format. */
export const secondText: Readonly<Record<string, SecondReader>> = {
  jsonl,
  csv,
  records: records(null),
  expertflow: records({ request: 'request_id', token: 'token_index', layer: 'layer_id', experts: 'selected_expert_ids', phase: 'phase' }),
  lattice: records({ token: 'token_idx', layer: 'layer_idx', experts: 'selected_ids' }),
  'moe-sim': records({ request: 'request_id', token: 'token_position', layer: 'layer_id', experts: 'expert_ids', phase: 'phase' }),
  'moe-cache-lab': cacheLab,
  'llamacpp-log-experts': logExperts,
  'llamacpp-moe-trace': moeTrace,
  colibri,
  megatron,
  imp,
  'gpt-oss-fingerprint': fingerprint,
  bigmoeonedge: bigMoeOnEdge,
};

/** Bytes of an expert, layer by layer, by name of the format that records them. */
export const secondBytes: Readonly<Record<string, (text: string) => number[]>> = {
  bigmoeonedge: (text) => [...declaredBytes(text)].sort(([a], [b]) => a - b).map(([, bytes]) => bytes),
};
