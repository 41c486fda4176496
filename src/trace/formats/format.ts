// The interface of the family of trace formats, and the facts that a user may state about a file that lacks them.
import type { ModelSpec } from '../../model/spec.js';
import type { Popularity } from '../popularity.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';

/** Axis order of a rank-3 array of choices: t = tokens, l = layers, k = choices in rank order. */
export type AxisOrder = 'tlk' | 'tkl' | 'ltk';

/** Which columns of a CSV, JSON lines or Parquet table hold what; names as in its header, its objects or its schema. */
export interface ColumnMap {
  readonly layer: string;
  /** One id, a list of them, or (Parquet) the columns `<name>_0`, `<name>_1` and so on. */
  readonly experts: string;
  readonly token?: string | undefined;
  readonly request?: string | undefined;
  readonly phase?: string | undefined;
  readonly weights?: string | undefined;
  readonly tokenId?: string | undefined;
}

/** Facts that a trace file may leave open. */
export interface OpenOptions {
  /** The model that was routed: gives layers, top-k and experts where the file does not. */
  readonly model?: ModelSpec;
  /** Name of the format; absent: recognised by content. */
  readonly format?: string | undefined;
  /** MoE layers, top-k and experts per layer where there is no model. */
  readonly layers?: number;
  readonly topK?: number;
  readonly experts?: number;
  readonly axes?: AxisOrder;
  /** For tables whose columns have names of their own: the file is then read as `csv`, `records` or `parquet`. */
  readonly columns?: ColumnMap | undefined;
}

/** One member of the family of formats. */
export interface TraceFormat {
  readonly name: string;
  /** One line: what the file looks like. */
  readonly summary: string;
  /** Who writes it. */
  readonly engines: string;
  /** How it is turned on there; commands in backquotes. */
  readonly turnOn: string;
  /** True where the content is this format. Never judged by the file name. */
  detect(source: TraceSource): boolean;
  /** Absent: the format holds counts only. The trace owns the source from then on. */
  open?(source: TraceSource, options: OpenOptions): RoutingTrace | Promise<RoutingTrace>;
  /** Present where the format holds counts only. */
  counts?(source: TraceSource, options: OpenOptions): Popularity;
}

/** The shape of a trace as the options, or their model, give it; null where they do not. */
export interface Expected {
  readonly layers: number | null;
  readonly topK: number | null;
  /** Experts per layer. */
  readonly experts: readonly number[] | null;
}

/**
 * Layers, choices and experts that the options or their model give.
 * @param layers MoE layers of the trace where they are known; a model with others says nothing about its experts
 */
export function expected(options: OpenOptions, layers: number | null = null): Expected {
  const { model } = options;
  const count = layers ?? options.layers ?? model?.layers.length ?? null;
  let experts: readonly number[] | null = null;
  if (options.experts !== undefined && count !== null) experts = new Array<number>(count).fill(options.experts);
  else if (model !== undefined && model.layers.length === count) experts = model.layers.map((layer) => layer.experts);
  const topK = options.topK ?? (model === undefined ? null : Math.max(...model.layers.map((layer) => layer.topK)));
  return { layers: count, topK, experts };
}
