import { UserError } from '../../base/errors.js';
import { looksLikeSafetensors } from '../../model/door.js';
import { type ColumnLayout, ID_DTYPES, WEIGHT_DTYPES } from '../column.js';
import type { TraceSource } from '../source.js';
import { tensorTrace } from '../tensor-trace.js';
import type { RoutingTrace } from '../trace.js';
import { MOST_LAYERS } from './axes.js';
import { expected, type OpenOptions, type TraceFormat } from './format.js';
import { type Described, describe, layerExperts } from './metadata.js';
import { readSafetensorsHeader, type SafetensorsHeader, type TensorInfo } from './safetensors-header.js';
import { openArray } from './tensor.js';

const INTEGERS = ['U8', 'I8', 'U16', 'I16', 'I32', 'U32', 'I64', 'U64'];

/** Names of the tensor of choices: canonical, and of other recorders. */
const EXPERT_NAMES = ['experts', 'routed_experts'];

/** Tensors of canonical files only. */
const COLUMNS = ['request_id', 'position', 'phase', 'token_id', 'token_ids', 'weights'];

/** Canonical binary: safetensors with `experts` [tokens, layers, topK], read by offset; unknown tensors are ignored. */
export const safetensors: TraceFormat = {
  name: 'safetensors',
  detect: (source) => looksLikeSafetensors(source.head),
  open: (source, options) => openSafetensors(source, readSafetensorsHeader(source), options),
};

function openSafetensors(source: TraceSource, header: SafetensorsHeader, options: OpenOptions): RoutingTrace {
  const { path } = source;
  const { tensors } = header;
  const name = EXPERT_NAMES.find((candidate) => tensors.has(candidate)) ?? onlyChoices(path, tensors);
  const experts = demand(path, name, tensors.get(name)!, ID_DTYPES, 3);
  const [tokens, layers, topK] = experts.shape as [number, number, number];
  if (tokens * layers * topK === 0)
    throw new UserError(`${path}: tensor ${name}: shape [${experts.shape.join(', ')}] holds no choices; the trace is empty`);
  const described = describe(path, 'safetensors', header.metadata);
  if (!isCanonical(experts.shape, name, header, described, options))
    return openArray(source, { ...experts, place: `${path}: tensor ${name}` }, options, described.meta, {
      layers: described.layers,
      topK: described.topK,
    });
  if (described.layers !== null && described.layers !== layers)
    throw new UserError(
      `${path}: num_layers is ${described.layers}, tensor ${name} has ${layers} layers in its shape [tokens, layers, top-k]`,
    );
  if (described.topK !== null && described.topK !== topK)
    throw new UserError(`${path}: top_k is ${described.topK}, tensor ${name} has ${topK} in its shape [tokens, layers, top-k]`);
  const column = (names: readonly string[], dtypes: readonly string[]): ColumnLayout | null => {
    const found = names.find((candidate) => tensors.has(candidate));
    return found === undefined ? null : shaped(path, found, demand(path, found, tensors.get(found)!, dtypes, 1), [tokens]);
  };
  const weights = tensors.get('weights');
  const predicted = tensors.get('predicted');
  const phase = column(['phase'], INTEGERS);
  const request = column(['request_id'], INTEGERS);
  return tensorTrace({
    source,
    tokens,
    layers,
    topK,
    columns: {
      experts,
      weights: weights === undefined ? null : shaped(path, 'weights', demand(path, 'weights', weights, WEIGHT_DTYPES, 3), experts.shape),
      predicted: predicted === undefined ? null : predictedColumn(path, predicted, tokens, layers),
      request,
      position: column(['position'], INTEGERS),
      phase,
      tokenId: column(['token_id', 'token_ids'], INTEGERS),
    },
    experts: layerExperts(path, layers, described.experts) ?? expected(options, layers).experts,
    promptRows: phase === null && request === null ? described.promptRows : null,
    meta: described.meta,
  });
}

/** The only tensor of choices, without usual names. @throws UserError */
function onlyChoices(path: string, tensors: SafetensorsHeader['tensors']): string {
  const choices = [...tensors].filter(([, { dtype, shape }]) => ID_DTYPES.includes(dtype) && shape.length === 3);
  if (choices.length === 1) return choices[0]![0];
  const held = [...tensors.keys()].slice(0, 5).join(', ');
  throw new UserError(
    `${path}: no tensor is named experts or routed_experts (it holds ${held || 'none'}); rename the one with the choices`,
  );
}

/** True if the file states its axis order; otherwise ids decide. */
function isCanonical(
  shape: readonly number[],
  name: string,
  header: SafetensorsHeader,
  described: Described,
  options: OpenOptions,
): boolean {
  if (options.axes !== undefined) return options.axes === 'tlk';
  if (header.metadata.format?.startsWith('moeprof') || COLUMNS.some((column) => header.tensors.has(column))) return true;
  if (!EXPERT_NAMES.includes(name)) return false;
  const layers = described.layers ?? expected(options).layers;
  return layers === null ? shape[1]! <= MOST_LAYERS : layers === shape[1];
}

function predictedColumn(path: string, tensor: TensorInfo, tokens: number, layers: number): ColumnLayout & { width: number } {
  const { shape } = demand(path, 'predicted', tensor, ID_DTYPES, 3);
  const width = shape[2]!;
  if (width === 0) throw new UserError(`${path}: tensor predicted: it holds no predictions; leave it out`);
  return { ...shaped(path, 'predicted', tensor, [tokens, layers, width]), width };
}

function demand(path: string, name: string, tensor: TensorInfo, dtypes: readonly string[], rank: number): TensorInfo {
  if (!dtypes.includes(tensor.dtype))
    throw new UserError(`${path}: tensor ${name}: dtype ${tensor.dtype}; write one of ${dtypes.join(', ')}`);
  if (tensor.shape.length !== rank) {
    const axes = rank === 3 ? '[tokens, layers, top-k]' : '[tokens]';
    throw new UserError(`${path}: tensor ${name}: shape [${tensor.shape.join(', ')}] is not ${axes}`);
  }
  return tensor;
}

function shaped(path: string, name: string, tensor: TensorInfo, shape: readonly number[]): TensorInfo {
  if (tensor.shape.every((side, axis) => side === shape[axis])) return tensor;
  throw new UserError(
    `${path}: tensor ${name}: shape [${tensor.shape.join(', ')}] does not agree with the experts, which ask for [${shape.join(', ')}]`,
  );
}
