// Second readers of formats that hold arrays of choices, and of counts, by name of the format: no reuse of src.
import { inflateRawSync } from 'node:zlib';
import { checkedIds, Damaged, type DemandRow, type Group, rowsOfCells, rowsOfGraph } from './demand.js';
import { objectsOf } from './text.js';

/** The sizes that a trace has, to tell its axes. */
interface Sizes {
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
}

interface NumberArray {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const WIDTHS: Readonly<Record<string, number>> = { u1: 1, i1: 1, u2: 2, i2: 2, u4: 4, i4: 4, u8: 8, i8: 8 };

/** Little-endian whole numbers. @param type as NumPy names it */
function numbersIn(bytes: Buffer, type: string): number[] {
  const width = WIDTHS[type];
  if (width === undefined) throw new Damaged(`dtype ${type}`);
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, at) => {
    const from = at * width;
    if (width === 8) return Number(type === 'u8' ? bytes.readBigUInt64LE(from) : bytes.readBigInt64LE(from));
    return type.startsWith('u') ? bytes.readUIntLE(from, width) : bytes.readIntLE(from, width);
  });
}

function npyArray(bytes: Buffer): NumberArray {
  const [from, length] = bytes[6] === 1 ? [10, bytes.readUInt16LE(8)] : [12, bytes.readUInt32LE(8)];
  const header = bytes.toString('latin1', from, from + length);
  const type = /'descr': *'[<|=]([ui]\d)'/.exec(header)?.[1] ?? '';
  const shape = (/'shape': *\(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').flatMap((side) => (side.trim() === '' ? [] : [Number(side)]));
  const count = shape.reduce((product, side) => product * side, 1);
  return { shape, values: numbersIn(bytes.subarray(from + length), type).slice(0, count) };
}

/** Names of an array of choices, the first of which an archive has is taken; any other where it is the only one. */
const NAMES = ['routed_experts', 'experts', 'expert_ids', 'topk_ids', 'selected_experts'];

/** The array of choices of an archive. */
function npzArray(bytes: Buffer): NumberArray {
  const arrays = new Map<string, () => NumberArray>();
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const [nameBytes, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [number, number, number];
    const name = bytes.toString('latin1', at + 46, at + 46 + nameBytes);
    const entry = at;
    if (name.endsWith('.npy') && !arrays.has(name))
      arrays.set(name, () => {
        const header = bytes.readUInt32LE(entry + 42);
        const from = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
        const content = bytes.subarray(from, from + bytes.readUInt32LE(entry + 20));
        return npyArray(bytes.readUInt16LE(entry + 10) === 0 ? content : inflateRawSync(content));
      });
    at += 46 + nameBytes + extra + comment;
  }
  const named = NAMES.map((name) => arrays.get(`${name}.npy`)).find((array) => array !== undefined);
  const array = named ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  if (array === undefined) throw new Damaged('no array');
  return array();
}

/** All readings of an array that have these sizes; a layer of zeros routes nowhere, and is left out. */
function readings({ shape, values }: NumberArray, { layers, tokens, topK }: Sizes, isNull: (id: number) => boolean): DemandRow[][] {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
  ] as const;
  return orders.flatMap(([t, l, k]) => {
    const [ownTokens, ownLayers, ownTopK] = [shape[t]!, shape[l]!, shape[k]!];
    const strides = [shape[1]! * shape[2]!, shape[2]!, 1];
    const idsAt = (token: number, layer: number): number[] =>
      Array.from({ length: ownTopK }, (_, choice) => values[token * strides[t]! + layer * strides[l]! + choice * strides[k]!]!);
    const all = Array.from({ length: ownLayers }, (_, layer) => layer);
    const kept = all.filter((layer) =>
      Array.from({ length: ownTokens }, (_, token) => idsAt(token, layer)).some((ids) => ids.some(Boolean)),
    );
    const routing = ownTopK === 1 ? all : kept;
    if (ownTokens !== tokens || ownTopK !== topK || routing.length !== layers) return [];
    return [
      Array.from({ length: tokens }, (_, token) => ({
        request: 0,
        position: token,
        phase: 1,
        experts: routing.map((layer) => idsAt(token, layer).filter((id) => !isNull(id))),
      })),
    ];
  });
}

const isNone = (id: number): boolean => id < 0 || id === 65_535;

function safetensors(bytes: Buffer, sizes: Sizes): DemandRow[][] {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const arrayOf = (name: string): NumberArray & { dtype: string } => {
    const { data_offsets, dtype, shape } = header[name]!;
    const [type] = [`${dtype[0]!.toLowerCase()}${Number(dtype.slice(1)) / 8}`];
    return { dtype, shape, values: numbersIn(bytes.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]), type) };
  };
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  const name = ['experts', 'routed_experts'].find((one) => names.includes(one)) ?? names.find((one) => header[one]!.shape.length === 3)!;
  const experts = arrayOf(name);
  const columns = Object.fromEntries(
    ['request_id', 'position', 'phase'].flatMap((one) => (names.includes(one) ? [[one, arrayOf(one).values]] : [])),
  );
  return readings(experts, sizes, (id) => isNone(id) || (experts.dtype === 'U8' && id === 255)).map((rows) => {
    let request = -1;
    let position = -1;
    return rows.map(({ experts: chosen }, row) => {
      const opens = row === 0 || (columns.request_id !== undefined && columns.request_id[row] !== columns.request_id[row - 1]);
      if (opens) request++;
      position = columns.position?.[row] ?? (opens ? 0 : position + 1);
      return { request, position, phase: columns.phase?.[row] ?? 1, experts: chosen };
    });
  });
}

/** A request: its rows one after another, and how many are of the prompt. */
function choices(
  all: readonly { readonly ids: readonly (readonly (readonly number[])[])[]; readonly prompt: number | null; readonly first?: number }[],
): DemandRow[] {
  const whole = all.filter(({ ids }) => ids.length > 0);
  const [{ ids: first }] = whole as [(typeof whole)[0]];
  const isDense = (layer: number): boolean =>
    (first[0]![layer]!.length > 1 || first.length >= 8) && first.every((row) => row[layer]!.every((id) => id === 0));
  return whole.flatMap(({ first: from = 0, ids, prompt }, request) =>
    ids.map((row, at) => ({
      request,
      position: from + at,
      phase: prompt !== null && at < prompt ? 0 : 1,
      experts: row.filter((_, layer) => !isDense(layer)).map((own) => checkedIds(own.map((id) => (id === 65_535 ? -1 : id)))),
    })),
  );
}

/** [tokens][layers][top-k] of an array. */
function nested({ shape, values }: NumberArray): number[][][] {
  const [tokens, layers, topK] = shape as [number, number, number];
  return Array.from({ length: tokens }, (_, token) =>
    Array.from({ length: layers }, (__, layer) => values.slice((token * layers + layer) * topK, (token * layers + layer + 1) * topK)),
  );
}

const DTYPES: Readonly<Record<string, string>> = { int8: 'i1', uint8: 'u1', int16: 'i2', uint16: 'u2', int32: 'i4', int64: 'i8' };

// biome-ignore lint/suspicious/noExplicitAny: a second reader takes a reply as it comes, and a wrong one throws
type Loose = any;

/** Replies of one stream: lists of ids grow, other fields are the last that came. */
function streamed(text: string): Loose[] {
  const replies: Loose[] = [];
  let last: unknown = null;
  for (const line of text.split('\n').filter((one) => one.startsWith('data:'))) {
    const data = line.slice(5).trim();
    const event = data === '[DONE]' ? null : JSON.parse(data);
    const id = event === null ? null : (event.id ?? event.request_id ?? event.meta_info?.id);
    if (event !== null && (last === null || id !== last)) replies.push({ events: [] });
    last = event === null ? null : id;
    if (event !== null) replies.at(-1).events.push(event);
  }
  const joined = (one: Loose, other: Loose): Loose => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return other ?? one;
    const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
    return Object.fromEntries(
      [...keys].map((key) => {
        if (key === 'token_ids' && Array.isArray(one[key]) && Array.isArray(other[key])) return [key, [...one[key], ...other[key]]];
        return [
          key,
          other[key] == null ? one[key] : one[key] == null || typeof other[key] !== 'object' ? other[key] : joined(one[key], other[key]),
        ];
      }),
    );
  };
  return replies.map(({ events }) => {
    const listed = events.flatMap((event: Loose) => event.choices ?? (event.index === undefined ? [] : [event]));
    const answers = new Map<unknown, Loose>();
    for (const answer of listed) answers.set(answer.index, joined(answers.get(answer.index) ?? {}, answer));
    const rest = events.filter((event: Loose) => event.choices !== undefined || event.index === undefined);
    const whole = rest.reduce((sum: Loose, { choices: _, ...event }: Loose) => joined(sum, event), {});
    return answers.size === 0 ? whole : { ...whole, choices: [...answers.values()] };
  });
}

/** Answers of servers, read as they come: what disagrees in them is not looked for. */
function replies(text: string, shape: readonly [layers: number, topK: number]): DemandRow[] {
  const rowsOf = (value: Loose, beside: Loose): { ids: number[][][]; start: number | null; free: boolean } => {
    if (Array.isArray(value)) return { ids: value, start: null, free: false };
    if (typeof value === 'object') {
      const values = numbersIn(Buffer.from(value.data, 'base64'), DTYPES[value.dtype]!);
      return { ids: nested({ shape: value.shape, values }), start: value.start ?? null, free: true };
    }
    const bytes = Buffer.from(value, 'base64');
    if (bytes.subarray(1, 6).toString('latin1') === 'NUMPY') return { ids: nested(npyArray(bytes)), start: null, free: true };
    const values = numbersIn(bytes, DTYPES[beside.routed_experts_dtype ?? 'int32']!);
    return { ids: nested({ shape: [values.length / (shape[0] * shape[1]), ...shape], values }), start: null, free: false };
  };
  const docs: Loose[] = /^\s*data:/.test(text) ? streamed(text) : objectsOf(text);
  return choices(
    docs.flatMap((doc: Loose) => {
      const answers: Loose[] = doc.choices ?? doc.outputs ?? [doc];
      return answers.flatMap((answer) => {
        const parts = [answer, answer.meta_info, answer.sgl_ext ?? answer.sglext, doc.sglext, doc.nvext, doc.nvext?.engine_data];
        const part = parts.find((one) => one?.routed_experts != null);
        if (part === undefined) return [];
        const own = rowsOf(part.routed_experts, part);
        const apart = answer.prompt_routed_experts ?? doc.prompt_routed_experts;
        const before = apart == null ? null : rowsOf(apart, {}).ids;
        const usage = answers.length === 1 ? doc.usage : undefined;
        const data = answers.length === 1 ? doc.nvext?.engine_data : undefined;
        const counted = (list: Loose, key: string): number | null =>
          (Array.isArray(list) ? list.length : null) ?? answer.meta_info?.[key] ?? usage?.[key] ?? null;
        const all = counted(answer.prompt_token_ids ?? doc.prompt_token_ids ?? data?.prompt_token_ids, 'prompt_tokens');
        const generated = counted(answer.token_ids ?? data?.completion_token_ids, 'completion_tokens');
        const [stated = own.free ? null : 0] = [
          own.start,
          ...[answer.meta_info, part, doc].map((one) => one?.routed_experts_start_len),
        ].filter((start) => start != null);
        const ids = [...(before ?? []), ...own.ids];
        const prompt = before?.length ?? (generated === null ? all! - stated : ids.length - Math.max(0, generated - 1));
        return [{ ids, first: stated ?? all! - prompt, prompt }];
      });
    }),
  );
}

/** exp_ids [tokens][top-k][layers] */
function allenai(text: string): DemandRow[] {
  return choices(
    objectsOf(text).map(({ exp_ids }) => ({
      ids: (exp_ids as number[][][]).map((byChoice) => byChoice[0]!.map((_, layer) => byChoice.map((row) => row[layer]!))),
      prompt: null,
    })),
  );
}

function mbolt(bytes: Buffer): DemandRow[] {
  const words = numbersIn(bytes, 'i4');
  const groups: { layer: number; rows: number[][] }[] = [];
  for (let at = 3; at < words.length; ) {
    const [layer, topK, tokens] = words.slice(at, at + 3) as [number, number, number];
    const from = at + 3;
    groups.push({ layer, rows: Array.from({ length: tokens }, (_, row) => words.slice(from + row * topK, from + (row + 1) * topK)) });
    at = from + topK * tokens;
  }
  return rowsOfGraph(groups);
}

/** Header and events of MCT1. */
function cacheRecord(bytes: Buffer): { readonly sizes: ReadonlyMap<number, number>; readonly groups: Group[] } {
  let at = 16;
  const word = (): number => bytes.readInt32LE((at += 4) - 4);
  const [topK, groupCount] = [bytes.readInt32LE(8), bytes.readInt32LE(12)];
  const sizes = new Map<number, number>();
  for (let group = 0; group < groupCount; group++) {
    at += 8;
    const layers = Array.from({ length: word() }, word);
    at += 40;
    let size = 0;
    for (let left = word(); left > 0; left--, at += 8) size += Number(bytes.readBigUInt64LE(at));
    for (const layer of layers) sizes.set(layer, size);
  }
  const groups: Group[] = [];
  while (at + 12 <= bytes.length) {
    const [layer, width, count] = [word(), word(), word()];
    if (width !== topK) throw new Damaged('of another width');
    if (at + 4 * count > bytes.length) break;
    groups.push({ layer, rows: Array.from({ length: count / topK }, () => Array.from({ length: topK }, word)) });
  }
  return { sizes, groups };
}

/** Rows of one request without phases: layers begin again with each pass, fewer rows are its last tokens. */
export function cacheRows(bytes: Buffer): DemandRow[] {
  const { groups, sizes } = cacheRecord(bytes);
  let [first, tokens, before] = [0, 0, Number.POSITIVE_INFINITY];
  const cells = groups.flatMap(({ layer, rows }) => {
    if (layer <= before) [first, tokens] = [first + tokens, rows.length];
    before = layer;
    const token = first + tokens - rows.length;
    return rows.map((experts, row) => ({ request: 0, token: token + row, layer, phase: null, experts }));
  });
  return rowsOfCells(cells, [...sizes.keys()]);
}

/** Bytes of an expert by layer, in order. */
export function cacheSizes(bytes: Buffer): number[] {
  return [...cacheRecord(bytes).sizes].sort(([a], [b]) => a - b).map(([, size]) => size);
}

/** What each format may demand: one reading, or one for each order of axes. */
export const secondArrays: Readonly<Record<string, (bytes: Buffer, sizes: Sizes, model: readonly [number, number]) => DemandRow[][]>> = {
  npy: (bytes, sizes) => readings(npyArray(bytes), sizes, isNone),
  npz: (bytes, sizes) => readings(npzArray(bytes), sizes, isNone),
  safetensors,
  vllm: (bytes, _, model) => [replies(bytes.toString(), model)],
  sglang: (bytes, _, model) => [replies(bytes.toString(), model)],
  dynamo: (bytes, _, model) => [replies(bytes.toString(), model)],
  allenai: (bytes) => [allenai(bytes.toString())],
  mbolt: (bytes) => [mbolt(bytes)],
  'llamacpp-moe-cache': (bytes) => [cacheRows(bytes)],
};

/** Counts of experts, layer by layer, by name of the format: `layer:expert:count` of those above 0. */
export const secondCounts: Readonly<Record<string, (text: string) => Map<number, Map<number, number>>>> = {
  'colibri-usage': (text) => {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const numbers = lines.map((line) => line.trimEnd().split(' ').map(Number));
    const sizes = numbers.filter(([layer]) => layer === -1);
    if (sizes.some((own) => String(own) !== String(sizes[0]))) throw new Damaged('sizes differ');
    const [, layers = 0] = sizes[0] ?? [];
    return tableOf(numbers.filter(([layer]) => layer! >= 0 && layer! < layers));
  },
  'sglang-counts': (text) =>
    tableOf(
      text
        .split('\n')
        .slice(1)
        .filter((line) => line.trim() !== '')
        .map((line) => line.replace(/\r$/, '').split(',').map(Number)),
    ),
  'colibri-atlas': (text) =>
    tableOf((objectsOf(text)[0]!.experts as Record<string, number>[]).map(({ expert, layer, total }) => [layer!, expert!, total!])),
};

function tableOf(rows: readonly (readonly number[])[]): Map<number, Map<number, number>> {
  const table = new Map<number, Map<number, number>>();
  for (const row of rows) {
    if (row.length !== 3 || !row.every((one) => Number.isSafeInteger(one) && one >= 0)) throw new Damaged('no layer, expert and count');
    const [layer, expert, count] = row as [number, number, number];
    const own = table.get(layer) ?? new Map<number, number>();
    table.set(layer, own.set(expert, (own.get(expert) ?? 0) + count));
  }
  return table;
}
