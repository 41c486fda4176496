// The interface of the family of trace formats, and the facts that a user may state about a file that lacks them.
import type { ModelSpec } from '../../model/door.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';

/** Axis order of a rank-3 array of choices: t = tokens, l = layers, k = choices in rank order. */
export type AxisOrder = 'tlk' | 'tkl' | 'ltk';

/** The columns of a CSV, JSON lines or Parquet table by content; names as in its header, its objects or its schema. */
export type ColumnMap = { readonly [C in 'token' | 'request' | 'phase' | 'weights' | 'tokenId']?: string | undefined } & {
  readonly layer: string;
  /** One id, a list of them, or (Parquet) the columns `<name>_0`, `<name>_1` and so on. */
  readonly experts: string;
};

/** One token as rows of text and of users' own formats have it. */
export interface TokenRow {
  /** Number of the request; its rows follow one another. Absent: 0. */
  readonly request?: number;
  /** Place in its request. Absent: one after the row before. */
  readonly position?: number;
  /** Absent: `decode`. */
  readonly phase?: 'prefill' | 'decode';
  /** Experts by MoE layer, in rank order; -1: none. A token of fewer choices has a shorter list. */
  readonly experts: readonly (readonly number[])[];
  /** Gate weights in the same places. */
  readonly weights?: readonly (readonly number[])[];
}

/** Facts that a trace file may leave open. */
export interface OpenOptions {
  /** The routed model, which gives layers, top-k and experts if the file does not. */
  readonly model?: ModelSpec;
  /** Name of the format; absent: recognised by content. */
  readonly format?: string | undefined;
  /** MoE layers, top-k and experts per layer if there is no model. */
  readonly layers?: number;
  readonly topK?: number;
  readonly experts?: number;
  readonly axes?: AxisOrder;
  /** For tables with custom column names: the file is then read as `csv`, `records` or `parquet`. */
  readonly columns?: ColumnMap | undefined;
}

/** One member of the family of formats. How to turn it on and what it looks like stands in the table of docs/trace-formats.md. */
export interface TraceFormat {
  readonly name: string;
  /** True if the content is this format. Never judged by the file name. */
  detect(source: TraceSource): boolean;
  /** Absent if the format holds counts only. The trace takes ownership of the source. */
  open?(source: TraceSource, options: OpenOptions): RoutingTrace | Promise<RoutingTrace>;
  /** Present if the format holds counts: activations `[layer][expert]`. */
  counts?(source: TraceSource): readonly Float64Array[];
}

/** The shape of a trace as given by the options or their model; null if unknown. */
export interface Expected {
  readonly layers: number | null;
  readonly topK: number | null;
  readonly experts: readonly number[] | null;
}

/** Layers, choices and experts of options or model. @param layers of the trace, if known; a model with others does not count */
export function expected(options: OpenOptions, layers: number | null = null): Expected {
  const { model } = options;
  const count = layers ?? options.layers ?? model?.layers.length ?? null;
  let experts: readonly number[] | null = null;
  if (options.experts !== undefined && count !== null) experts = new Array<number>(count).fill(options.experts);
  else if (model !== undefined && model.layers.length === count) experts = model.layers.map((layer) => layer.experts);
  const topK = options.topK ?? (model === undefined ? null : Math.max(...model.layers.map((layer) => layer.topK)));
  return { layers: count, topK, experts };
}
