// String metadata of canonical traces: same keys in safetensors and JSONL headers.
import { UserError } from '../../base/errors.js';
import { isCount } from '../../base/objects.js';
import type { TensorTraceParts } from '../tensor-trace.js';
import { NULL_EXPERT, type RoutingTrace } from '../trace.js';

/** Version tag of the canonical layout. */
export const TRACE_FORMAT = 'moeprof.trace/1';

/** Note of a trace written during recording; the last line may be cut. */
export const UNFINISHED = { recording: 'unfinished' } as const;

/** Parsed metadata strings; null: not given. */
export interface Described extends Pick<TensorTraceParts, 'promptRows' | 'meta'> {
  readonly layers: number | null;
  readonly topK: number | null;
  readonly predictedK: number | null;
  /** Experts by layer, or of every layer. */
  readonly experts: number | readonly number[] | null;
}

/** @param format name for the metadata @throws UserError for an invalid number */
export function describe(path: string, format: string, metadata: Readonly<Record<string, string>>): Described {
  const {
    model,
    num_layers,
    top_k,
    num_experts,
    prompt_tokens,
    predicted_k,
    predicted_ahead,
    synthetic,
    expert_bytes,
    format: _tag,
    ...notes
  } = metadata;
  return {
    layers: whole(path, 'num_layers', num_layers),
    topK: whole(path, 'top_k', top_k),
    predictedK: whole(path, 'predicted_k', predicted_k),
    experts: num_experts?.startsWith('[') ? numbers(path, 'num_experts', num_experts) : whole(path, 'num_experts', num_experts),
    promptRows: whole(path, 'prompt_tokens', prompt_tokens),
    meta: {
      model: model ?? null,
      format,
      synthetic: synthetic === 'true',
      expertBytes: expert_bytes === undefined ? null : numbers(path, 'expert_bytes', expert_bytes),
      ...(predicted_ahead === undefined ? {} : { predictedAhead: distances(path, predicted_ahead) }),
      notes,
    },
  };
}

/** Metadata strings of a trace; inverse of {@link describe}. */
export function metadataOf(trace: RoutingTrace, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { meta, expertsPerLayer } = trace;
  const same = expertsPerLayer.every((experts) => experts === expertsPerLayer[0]);
  return {
    format: TRACE_FORMAT,
    ...(meta.model === null ? {} : { model: meta.model }),
    num_layers: String(trace.layers),
    num_experts: same ? String(expertsPerLayer[0]) : JSON.stringify(expertsPerLayer),
    top_k: String(trace.topK),
    ...(trace.has.predictedK > 0 ? { predicted_k: String(trace.has.predictedK) } : {}),
    ...(trace.has.predictedK > 0 && meta.predictedAhead !== undefined ? { predicted_ahead: JSON.stringify(meta.predictedAhead) } : {}),
    ...(meta.synthetic ? { synthetic: 'true' } : {}),
    ...(meta.expertBytes === null ? {} : { expert_bytes: JSON.stringify(meta.expertBytes) }),
    ...meta.notes,
    ...extra,
  };
}

/** @throws UserError for a wrong length, or a count out of range */
export function layerExperts(path: string, layers: number, experts: number | readonly number[] | null): readonly number[] | null {
  if (experts === null) return null;
  const list = typeof experts === 'number' ? new Array<number>(layers).fill(experts) : experts;
  if (list.length !== layers) throw new UserError(`${path}: num_experts lists ${list.length} layers, the trace has ${layers}`);
  const bad = list.find((count) => count < 1 || count >= NULL_EXPERT);
  if (bad !== undefined) throw new UserError(`${path}: num_experts is ${bad}; a layer has 1 to ${NULL_EXPERT - 1} experts`);
  return list;
}

function whole(path: string, key: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`${path}: ${key} is ${JSON.stringify(text)}; write a whole number`);
  return Number(text);
}

function numbers(path: string, key: string, text: string): number[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = null;
  }
  if (!Array.isArray(list) || !list.every(isCount))
    throw new UserError(`${path}: ${key} is ${JSON.stringify(text.slice(0, 40))}; write a list of whole numbers`);
  return list;
}

/** @throws UserError if empty, or a distance repeats */
function distances(path: string, text: string): number[] {
  const list = numbers(path, 'predicted_ahead', text);
  if (list.length > 0 && new Set(list).size === list.length) return list;
  throw new UserError(`${path}: predicted_ahead is ${JSON.stringify(text.slice(0, 40))}; write each distance once, e.g. [1,2,3]`);
}
