import type { AttentionSpec, DenseSegment, FormatShare, ModelFacts, ModelSpec, MoeLayer } from './spec.js';
import { sumFormats } from './spec.js';

/** Size and cost of some tensors. */
export interface Weights {
  readonly parameters: number;
  /** Bytes as stored, rounded only in sums. */
  readonly bytes: number;
  /** Operations per token: 2 per matrix weight. */
  readonly flops: number;
  readonly formats: readonly FormatShare[];
  /** Absent in sums. */
  readonly tensors?: readonly { readonly name: string; readonly format: string; readonly bytes: number }[];
}

/** Routed experts of a layer. */
export interface Experts {
  readonly experts: number;
  readonly topK: number;
  readonly expert: Weights;
}

/** Parts of a decoder layer: the common form of all model sources. */
export interface LayerParts {
  readonly context: AttentionSpec;
  /** Attention or a different mixer, with norms. */
  readonly attention: Weights;
  readonly router: Weights;
  readonly shared: Weights;
  readonly ffn: Weights;
  /** null in a dense layer. */
  readonly moe: Experts | null;
  /** Further MoE modules in order of execution; absent: no further modules. */
  readonly further?: readonly Experts[];
}

/** A whole model in parts. */
export interface ModelParts extends ModelFacts {
  readonly layers: readonly LayerParts[];
  readonly head: Weights;
  /** Token lookup table; null: shared with the head. */
  readonly embedding: Weights | null;
}

/** An absent part. */
export const NO_WEIGHTS: Weights = { parameters: 0, bytes: 0, flops: 0, formats: [] };

/** Sum over tensors. */
export function sumWeights(parts: readonly Weights[]): Weights {
  const sum = { parameters: 0, bytes: 0, flops: 0 };
  for (const part of parts) {
    sum.parameters += part.parameters;
    sum.bytes += part.bytes;
    sum.flops += part.flops;
  }
  return { ...sum, formats: sumFormats(parts.map(({ formats }) => formats)) };
}

/** Routed modules of a decoder layer, in order of execution. */
export const routedOf = ({ moe, further = [] }: LayerParts): readonly Experts[] => (moe === null ? [] : [moe, ...further]);

const denseOf = (layer: LayerParts): Weights => sumWeights([layer.attention, layer.router, layer.shared, layer.ffn]);

const formatsField = (formats: readonly FormatShare[]): { formats?: readonly FormatShare[] } => (formats.length === 0 ? {} : { formats });

/** Work before each routing is a dense segment, the rest the tail. The embedding table takes no time. */
export function assemble(parts: ModelParts): ModelSpec {
  const layers: MoeLayer[] = [];
  const segments: DenseSegment[] = [];
  const perExpert: Weights[] = [];
  let open: LayerParts[] = [];
  let offset = 0;
  const close = (tail: Weights): void => {
    const dense = sumWeights(open.map(denseOf));
    segments.push({
      weightBytes: Math.round(dense.bytes + tail.bytes),
      flopsPerToken: dense.flops,
      flopsPerSequence: tail.flops,
      attention: open.map((layer) => layer.context),
      ...formatsField(sumFormats([dense.formats, tail.formats])),
    });
    open = [];
  };
  for (const layer of parts.layers) {
    open.push(layer);
    for (const { experts, topK, expert } of routedOf(layer)) {
      close(NO_WEIGHTS);
      const expertBytes = Math.round(expert.bytes);
      const flopsPerToken = expert.flops;
      layers.push({
        index: layers.length,
        experts,
        topK,
        expertBytes,
        flopsPerToken,
        offset,
        ...formatsField(sumFormats([expert.formats])),
      });
      perExpert.push(expert);
      offset += experts;
    }
  }
  close(parts.head);

  const { embedding, head, layers: decoder, ...facts } = parts;
  const table = embedding ?? NO_WEIGHTS;
  const dense = sumWeights([...decoder.map(denseOf), head, table]).parameters;
  // Object.assign keeps one hidden class, so compiled loops are reused for the next model.
  return Object.assign({}, facts, {
    layers,
    dense: {
      segments,
      weightBytes: segments.reduce((sum, segment) => sum + segment.weightBytes, 0) + Math.round(table.bytes),
      kvBytesPerToken: decoder.reduce((sum, layer) => sum + layer.context.kvBytesPerToken, 0),
    },
    experts: offset,
    ...(decoder.some(({ shared }) => shared.parameters > 0) ? { sharedExperts: true as const } : {}),
    parameters: {
      total: layers.reduce((sum, layer, i) => sum + layer.experts * perExpert[i]!.parameters, dense),
      active: layers.reduce((sum, layer, i) => sum + layer.topK * perExpert[i]!.parameters, dense - table.parameters),
    },
  });
}
