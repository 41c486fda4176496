import { UserError } from '../../base/errors.js';
import { LargestFirst } from '../../base/largest-first.js';
import { remembered } from '../../base/objects.js';
import { FieldReader } from '../../base/scan.js';
import { PHASE } from '../trace.js';
import { Cell } from './cell.js';
import { cellFormat } from './cells.js';
import { CountTable } from './count-table.js';
import type { TraceFormat } from './format.js';
import type { Pickled } from './pickle.js';
import { looksLikeTorch, TorchFile } from './torch-file.js';

/** `topk_ids_of_layer` of SGLang's recorder (also KTransformers), mode per_token; positions give requests. */
export const sglangRecorder = cellFormat({
  name: 'sglang-recorder',
  detect: ({ head }) => looksLikeTorch(head, 'topk_ids_of_layer'),
  cells(source) {
    const { path } = source;
    const file = new TorchFile(source);
    const saved = dictOf(file.value(), path);
    const records = saved.get('records');
    if (!Array.isArray(records)) throw new UserError(`${path}: records is missing; was it recorded with mode per_token?`);
    const { balanced, logical } = placementOf(file, saved);
    return {
      meta: {
        notes: {
          requests: 'put together from token positions; the recorder keeps no request ids',
          ...(balanced ? { physical_to_logical: 'last' } : {}),
        },
      },
      walk(visit, at) {
        const cell = new Cell();
        const requests = new RequestsByPosition();
        (records as readonly Pickled[]).forEach((entry, index) => {
          at.place = () => `${path}: record ${index}`;
          const record = dictOf(entry, at.place());
          const { size, values: ids } = file.tensor(record.get('topk_ids_of_layer'), `record ${index}: topk_ids_of_layer`, 3);
          const [layers, tokens, width] = size as [number, number, number];
          const positions = numbersIn(record.get('positions'), `${at.place()}: positions`, tokens);
          const tokenIds = numbersIn(record.get('input_ids'), `${at.place()}: input_ids`, tokens);
          const prompts = record.get('extend_seq_lens');
          const lengths = Array.isArray(prompts) ? prompts.map(Number) : [];
          const request = requests.pass(positions, lengths);
          const decode = lengths.length === 0 || record.get('forward_mode') === 2;
          for (let token = 0; token < tokens; token++) {
            cell.request = request[token]!;
            cell.token = positions[token]!;
            cell.tokenId = tokenIds[token]!;
            cell.phase = decode ? PHASE.decode : PHASE.prefill;
            for (let layer = 0; layer < layers; layer++) {
              cell.layer = layer;
              const from = (layer * tokens + token) * width;
              cell.count = 0;
              for (let k = 0; k < width && ids[from + k]! >= 0; k++) cell.push(logical(layer, ids[from + k]!, at.place));
              // Dense layers and padding have no choices.
              if (cell.count > 0) visit(cell);
            }
          }
        });
      },
    };
  },
});

/** SGLang's recorder, mode stat: `logical_count`. */
export const sglangStat: TraceFormat = {
  name: 'sglang-stat',
  detect: ({ head }) => looksLikeTorch(head, 'logical_count'),
  counts(source) {
    const { path } = source;
    const file = new TorchFile(source);
    const { size, values } = file.tensor(dictOf(file.value(), path).get('logical_count'), 'logical_count', 3);
    const [steps, layers, experts] = size as [number, number, number];
    const sums = Array.from({ length: layers }, () => new Float64Array(experts));
    for (let step = 0; step < steps; step++) {
      for (let i = 0; i < layers * experts; i++) sums[Math.floor(i / experts)]![i % experts]! += values[step * layers * experts + i]!;
    }
    const used = sums.filter((layer) => layer.some((count) => count > 0));
    if (used.length === 0) throw new UserError(`${path}: all counts are zero; nothing ran while it recorded`);
    return used;
  },
};

/** Assigns tokens to requests: a token continues the youngest request waiting for its position. */
class RequestsByPosition {
  #requests = 0;
  readonly #waiting = new Map<number, LargestFirst>();

  /** @param lengths tokens per prompt sequence; empty: one token each @returns request of each token */
  pass(positions: readonly number[], lengths: readonly number[]): number[] {
    const requests: number[] = [];
    const split =
      lengths.length > 0 && lengths.reduce((sum, length) => sum + length, 0) === positions.length ? lengths : positions.map(() => 1);
    // A request continues at most once per pass.
    const ended: { readonly request: number; readonly next: number }[] = [];
    let at = 0;
    for (const length of split) {
      if (length === 0) continue;
      const first = positions[at]!;
      const request = (first === 0 ? undefined : this.#waiting.get(first)?.pop()) ?? this.#requests++;
      for (let i = 0; i < length; i++) requests.push(request);
      ended.push({ request, next: positions[at + length - 1]! + 1 });
      at += length;
    }
    for (const { next, request } of ended) {
      remembered(this.#waiting, next, () => new LargestFirst()).push(request);
    }
    return requests;
  }
}

/** Logical id by physical id; `balanced` if a balancer has moved or copied experts. */
function placementOf(
  file: TorchFile,
  saved: ReadonlyMap<Pickled, Pickled>,
): { balanced: boolean; logical: (layer: number, physical: number, place: () => string) => number } {
  const map = saved.get('last_physical_to_logical_map');
  if (map === undefined || map === null) return { balanced: false, logical: (_layer, physical) => physical };
  const { size, values: ids } = file.tensor(map, 'last_physical_to_logical_map', 2);
  const [layers, experts] = size as [number, number];
  return {
    balanced: ids.some((id, at) => id !== at % experts),
    logical: (layer, physical, place) => {
      if (layer >= layers || physical >= experts)
        throw new UserError(`${place()}: physical expert ${physical} of layer ${layer} is not in last_physical_to_logical_map`);
      return ids[layer * experts + physical]!;
    },
  };
}

function dictOf(value: Pickled, place: string): ReadonlyMap<Pickled, Pickled> {
  if (value instanceof Map) return value as ReadonlyMap<Pickled, Pickled>;
  throw new UserError(`${place}: not a dict; is it a recording of SGLang?`);
}

function numbersIn(value: Pickled | undefined, place: string, count: number): readonly number[] {
  if (Array.isArray(value) && value.length === count && value.every((entry) => Number.isSafeInteger(entry)))
    return value as readonly number[];
  throw new UserError(`${place} is missing or has not one number per token`);
}

const COMMA = 44;

/** SGLang's counts as CSV. */
export const sglangCounts: TraceFormat = {
  name: 'sglang-counts',
  detect: ({ text }) => /^layer_id,expert_id,count\s/.test(text),
  counts(source) {
    const fields = new FieldReader(source);
    const table = new CountTable(() => fields.place());
    fields.next();
    while (fields.nextFilled()) {
      const layer = fields.integer('layer_id');
      const expert = fields.skip(COMMA) ? fields.integer('expert_id') : -1;
      const count = fields.skip(COMMA) ? fields.integer('count') : -1;
      if (layer < 0 || expert < 0 || count < 0 || !fields.ended) throw new UserError(`${fields.place()}: not layer_id,expert_id,count`);
      table.add(layer, expert, count);
    }
    return table.counts(source.path);
  },
};
