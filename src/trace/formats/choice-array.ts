import { UserError } from '../../base/errors.js';
import type { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import { type FormatMeta, NULL_EXPERT, PHASE, type RoutingTrace } from '../trace.js';
import { expected, type OpenOptions, type TraceFormat } from './format.js';

/** Choices of serving engines as [tokens, layers, top-k]; -1 and 65535 are null. */
export interface ChoiceArray {
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  /** `[tokens, layers, topK]` */
  readonly ids: ArrayLike<number>;
  readonly place: string;
}

/** Arrays of one request, in order. */
export interface ChoiceRequest {
  readonly arrays: Iterable<ChoiceArray>;
  /** Prompt rows; null: unknown. */
  readonly prompt: number | null;
  readonly first?: number;
  readonly tokenIds: readonly number[] | null;
}

/** Format of files with arrays of choices. */
export function choiceFormat({
  requests,
  ...about
}: Omit<TraceFormat, 'open'> & { requests(source: TraceSource, options: OpenOptions): Iterable<ChoiceRequest | null> }): TraceFormat {
  return {
    ...about,
    open: (source, options) => importChoices(source, options, { format: about.name }, requests(source, options)),
  };
}

/**
 * All-zero dense layers are dropped. @param requests null: without routing, counted in notes
 * @throws UserError without arrays, for differing shapes or token ids, or an invalid id
 */
export function importChoices(
  source: TraceSource | string,
  options: OpenOptions,
  meta: FormatMeta,
  requests: Iterable<ChoiceRequest | null>,
): RoutingTrace {
  const [path, file] = typeof source === 'string' ? [source, null] : [source.path, source];
  let rows: ReturnType<typeof choiceRows> | null = null;
  let [ordinal, silent] = [0, 0];
  try {
    for (const request of requests) {
      if (request === null) silent++;
      if (request === null) continue;
      const { arrays, prompt, first = 0, tokenIds } = request;
      let row = 0;
      for (const array of arrays) {
        if (array.tokens === 0) continue;
        rows ??= choiceRows(path, array, prompt !== null, tokenIds !== null);
        rows.checkShape(array, tokenIds !== null);
        const { store } = rows;
        for (let token = 0; token < array.tokens; token++, row++) {
          store.seek(store.rows);
          rows.write(array, token);
          if (tokenIds !== null) store.tokenIds[store.tokenAt] = tokenIds[row] ?? 0;
          store.addRow(ordinal, first + row, prompt !== null && row < prompt ? PHASE.prefill : PHASE.decode);
        }
      }
      if (row > 0) ordinal++;
    }
    if (rows === null) throw new UserError(`${path}: it holds no routed experts; was the recording turned on?`);
    const notes = {
      ...meta.notes,
      ...(rows.dropped > 0 ? { dense_layers_dropped: String(rows.dropped) } : {}),
      ...(silent > 0 ? { answers_without_routing: String(silent) } : {}),
    };
    const { experts } = expected(options, rows.store.layers);
    return rows.store.finish(experts, { ...meta, notes }, file);
  } catch (error) {
    rows?.store.close();
    throw error;
  }
}

function choiceRows(path: string, first: ChoiceArray, phases: boolean, tokenIds: boolean) {
  const { topK } = first;
  const kept = Array.from({ length: first.layers }, (_, layer) => layer).filter((layer) => !isDense(first, layer));
  if (kept.length === 0) throw new UserError(`${first.place}: all choices are expert 0; the recording is empty`);
  const store = new TraceStore({ path, layers: kept.length, topK, phases, tokenIds });
  return {
    store,
    dropped: first.layers - kept.length,
    checkShape({ layers, place, tokens, topK: width }: ChoiceArray, named: boolean): void {
      if (tokenIds && !named)
        throw new UserError(`${place}: has no token ids, earlier ones have them; keep such replies in files of their own`);
      if (layers === first.layers && width === topK) return;
      throw new UserError(
        `${place}: shape [${tokens}, ${layers}, ${width}], earlier ones are [.., ${first.layers}, ${topK}]; keep one model a file`,
      );
    },
    write({ layers, ids, place }: ChoiceArray, token: number): void {
      kept.forEach((layer, index) => {
        const from = (token * layers + layer) * topK;
        const to = store.idsAt + index * topK;
        for (let k = 0; k < topK; k++) {
          const id = ids[from + k]!;
          if (!Number.isInteger(id) || id < -1 || id > NULL_EXPERT)
            throw new UserError(`${place}: token ${token}, layer ${layer}: ${id} is not an expert id; is the number of layers right?`);
          store.ids[to + k] = id;
        }
      });
    },
  };
}

/** True for a dense layer, recorded as zeros; no router chooses an expert twice. */
function isDense({ tokens, layers, topK, ids }: ChoiceArray, layer: number): boolean {
  if (topK === 1 && tokens < 8) return false;
  for (let token = 0; token < tokens; token++) {
    const from = (token * layers + layer) * topK;
    for (let k = 0; k < topK; k++) if (ids[from + k] !== 0) return false;
  }
  return true;
}

/** Nested lists [tokens][layers][top-k]; null if absent. */
export function nested(value: unknown, place: string): ChoiceArray | null {
  if (value === undefined || value === null) return null;
  const rows = listOf(value, place);
  const layers = rows.length === 0 ? 0 : listOf(rows[0], place).length;
  const topK = layers === 0 ? 0 : listOf(listOf(rows[0], place)[0], place).length;
  const ids = new Float64Array(rows.length * layers * topK);
  let at = 0;
  rows.forEach((row, token) => {
    const lists = listOf(row, `${place}[${token}]`);
    if (lists.length !== layers) throw new UserError(`${place}[${token}]: ${lists.length} layers, the first token has ${layers}`);
    for (const list of lists) {
      const choices = listOf(list, `${place}[${token}]`);
      if (choices.length !== topK) throw new UserError(`${place}[${token}]: ${choices.length} choices, the first token has ${topK}`);
      for (const id of choices) ids[at++] = typeof id === 'number' ? id : Number.NaN;
    }
  });
  return { tokens: rows.length, layers, topK, ids, place };
}

function listOf(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new UserError(`${place}: not lists [tokens][layers][top-k]`);
  return value;
}
