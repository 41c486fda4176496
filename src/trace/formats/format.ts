import { type ModelSpec, mostTopK } from '../../model/door.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';

/** Axis order of a rank-3 array of choices: t = tokens, l = layers, k = choices in rank order. */
export type AxisOrder = 'tlk' | 'tkl' | 'ltk';

/** Columns of a CSV, JSON lines or Parquet table by content, with names from the file. */
export type ColumnMap = { readonly [C in 'token' | 'request' | 'phase' | 'weights' | 'tokenId']?: string | undefined } & {
  readonly layer: string;
  /** Id, list of ids, or (Parquet) columns `<name>_0`, `<name>_1` and so on. */
  readonly experts: string;
};

/** One token of a text trace or a user's format. */
export interface TokenRow {
  /** Request number; rows of a request are consecutive. Absent: 0. */
  readonly request?: number;
  /** Position in the request. Absent: next position. */
  readonly position?: number;
  /** Absent: `decode`. */
  readonly phase?: 'prefill' | 'decode';
  /** Experts by MoE layer in rank order; -1: null. Lists may be shorter than top-k. */
  readonly experts: readonly (readonly number[])[];
  readonly weights?: readonly (readonly number[])[];
}

/** Facts missing from a trace file, stated by the user. */
export interface OpenOptions {
  /** Routed model: layers, top-k and experts if the file lacks them. */
  readonly model?: ModelSpec;
  /** Absent: recognised by content. */
  readonly format?: string;
  readonly layers?: number;
  readonly topK?: number;
  readonly experts?: number;
  readonly axes?: AxisOrder;
  /** Custom column names; the file is read as `csv`, `records` or `parquet`. */
  readonly columns?: ColumnMap;
}

/** One trace format; docs/trace-formats.md shows how to record each. */
export interface TraceFormat {
  readonly name: string;
  /** True if the content is of the format; names never decide. */
  detect(source: TraceSource): boolean;
  /** Opens a trace, which owns the source. Absent: counts only. */
  open?(source: TraceSource, options: OpenOptions): RoutingTrace | Promise<RoutingTrace>;
  /** Activations `[layer][expert]`. Absent: no counts. */
  counts?(source: TraceSource): readonly Float64Array[];
}

/** Shape by options or model; null: unknown. */
export interface Expected {
  readonly layers: number | null;
  readonly topK: number | null;
  readonly experts: readonly number[] | null;
}

/** Shape of options or model. @param layers of the trace; a model of different depth is ignored */
export function expected(options: OpenOptions, layers: number | null = null): Expected {
  const { model } = options;
  const count = layers ?? options.layers ?? model?.layers.length ?? null;
  let experts: readonly number[] | null = null;
  if (options.experts !== undefined && count !== null) experts = new Array<number>(count).fill(options.experts);
  else if (model !== undefined && model.layers.length === count) experts = model.layers.map((layer) => layer.experts);
  const topK = options.topK ?? (model === undefined ? null : mostTopK(model));
  return { layers: count, topK, experts };
}
