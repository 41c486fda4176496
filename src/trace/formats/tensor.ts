// Rank-3 array of choices: read in place in the usual axis order, else transposed while decoding.
import { UserError } from '../../base/errors.js';
import { type ColumnLayout, ColumnReader } from '../column.js';
import type { TraceSource } from '../source.js';
import { tensorTrace } from '../tensor-trace.js';
import { type FormatMeta, type RoutingTrace, wholeMeta } from '../trace.js';
import { axesOf, axisOrderOf, denseLayersIn } from './axes.js';
import { type ChoiceArray, importChoices } from './choice-array.js';
import { type Expected, expected, type OpenOptions } from './format.js';

/** Ids examined for the axis order. */
const SAMPLE_IDS = 4_000_000;
/** Ids transposed at a time. */
const BLOCK_IDS = 256 * 1024;

interface FileArray extends ColumnLayout {
  readonly shape: readonly number[];
  readonly place: string;
}

/** One request. @param known layers, top-k and experts of the file @throws UserError if the axes are unclear */
export function openArray(
  source: TraceSource,
  array: FileArray,
  options: OpenOptions,
  meta: FormatMeta,
  known: Partial<Expected> = {},
): RoutingTrace {
  const { shape, place } = array;
  const reader = new ColumnReader(source);
  const sample = new Uint16Array(Math.min(SAMPLE_IDS, shape[0]! * shape[1]! * shape[2]!));
  reader.ids(array, 0, sample.length, sample);
  const asked = expected(options);
  const order = axisOrderOf(place, shape, { layers: known.layers ?? asked.layers, topK: known.topK ?? asked.topK }, options.axes, sample);
  const { tokens, layers, topK } = axesOf(shape, order);
  if (order === 'tlk' && denseLayersIn(shape, order, sample) === 0)
    return tensorTrace({
      source,
      tokens,
      layers,
      topK,
      columns: { experts: array, weights: null, predicted: null, request: null, position: null, phase: null, tokenId: null },
      experts: known.experts ?? expected(options, layers).experts,
      promptRows: null,
      meta: wholeMeta(meta),
    });
  return importChoices(source, options, meta, [{ arrays: turned(reader, array, order), prompt: null, tokenIds: null }]);
}

function* turned(reader: ColumnReader, array: FileArray, order: 'tlk' | 'tkl' | 'ltk'): Generator<ChoiceArray, void, void> {
  const { shape, place } = array;
  const { tokens, layers, topK, stride } = axesOf(shape, order);
  const row = layers * topK;
  const rows = Math.max(1, Math.floor(BLOCK_IDS / row));
  const raw = new Uint16Array(rows * row);
  const ids = new Uint16Array(rows * row);
  const read = (first: number, count: number, into: Uint16Array): void => {
    if (reader.ids(array, first, count, into) >= 0)
      throw new UserError(`${place}: holds what is no expert id (ids are 0 to 65534, -1 for none); is the dtype right?`);
  };
  for (let start = 0; start < tokens; start += rows) {
    const count = Math.min(rows, tokens - start);
    if (order === 'ltk') {
      const slab = new Uint16Array(count * topK);
      for (let layer = 0; layer < layers; layer++) {
        read(layer * stride.layer + start * topK, count * topK, slab);
        for (let token = 0; token < count; token++) {
          for (let k = 0; k < topK; k++) ids[token * row + layer * topK + k] = slab[token * topK + k]!;
        }
      }
    } else {
      read(start * row, count * row, raw);
      for (let token = 0; token < count; token++) {
        for (let layer = 0; layer < layers; layer++) {
          for (let k = 0; k < topK; k++) ids[token * row + layer * topK + k] = raw[token * row + layer * stride.layer + k * stride.choice]!;
        }
      }
    }
    yield { tokens: count, layers, topK, ids, place };
  }
}
