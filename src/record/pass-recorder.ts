// Choices at MoE layers, from llama.cpp's tensors (`ffn_moe_topk-7`, build_moe_ffn in
// llama-graph.cpp).

import { UserError } from '../base/errors.js';
import { viewOf } from '../base/host/bytes.js';
import { remembered } from '../base/objects.js';
import { NULL_EXPERT } from '../trace/trace.js';
import type { Llama } from './llama.js';

interface RoutingLayer {
  readonly experts: number;
  readonly choices: number;
  readonly ids: string;
  readonly gates: string;
  readonly logits: boolean;
}

/** Routing of one pass. */
export interface PassRouting {
  /** `[tokens, layers, width]` in rank order; {@link NULL_EXPERT}: no expert. */
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
}

/** Collects routing tensors: the first pass, of one token, gives the {@link layout}. */
export class PassRecorder {
  layers: readonly RoutingLayer[] = [];
  width = 0;
  readonly #llama: Pick<Llama, 'call'>;
  /** Row widths of `ffn_moe_KIND-LAYER`; then of wanted tensors. */
  readonly #sizes = new Map<number, Map<string, number>>();
  readonly #wanted = new Map<string, number>();
  /** Stride in bytes. */
  readonly #tensors = new Map<string, { readonly values: DataView; readonly rows: number; readonly stride: number }>();
  #fault: unknown = null;

  constructor(llama: Pick<Llama, 'call'>) {
    this.#llama = llama;
  }

  /** Callback before (`ask`) and after a tensor. Errors must not cross the engine. */
  observe(tensor: bigint, ask: boolean): boolean {
    try {
      const name = this.#llama.call<string>('ggml_get_name', tensor);
      const width = this.#wanted.get(name);
      if (this.layers.length === 0) this.#note(name, Number(this.#llama.call('ggml_nelements', tensor)));
      else if (!ask && width !== undefined) this.#take(tensor, name, width);
      return width !== undefined;
    } catch (error) {
      this.#fault ??= error;
      return false;
    }
  }

  #note(name: string, values: number): void {
    const [, kind, layer] = /^ffn_moe_(\w+)-(\d+)$/.exec(name) ?? [];
    if (kind === undefined) return;
    const sizes = remembered(this.#sizes, Number(layer), () => new Map<string, number>());
    if (kind === 'topk' && sizes.has(kind)) throw new UserError(`a layer has two routers (${name}), which are not told apart yet`);
    sizes.set(kind, values);
  }

  #take(tensor: bigint, name: string, width: number): void {
    const rows = Number(this.#llama.call('ggml_nelements', tensor)) / width;
    const bytes = new Uint8Array(rows === 0 ? 0 : Number(this.#llama.call('ggml_nbytes', tensor)));
    if (rows > 0) this.#llama.call('ggml_backend_tensor_get', tensor, bytes, 0, bytes.length);
    // A view of the first columns spans (rows - 1) strides and a row.
    this.#tensors.set(name, { values: viewOf(bytes), rows, stride: rows > 1 ? (bytes.length - 4 * width) / (rows - 1) : 0 });
  }

  /** @param gates candidates besides the choices @throws UserError for no layer, or an unknown layout */
  layout(gates: number): void {
    if (this.#fault !== null) throw this.#fault;
    const routing = [...this.#sizes].filter(([, sizes]) => sizes.has('topk')).sort(([a], [b]) => a - b);
    if (routing.length === 0) throw new UserError('it has no experts; name a Mixture-of-Experts model');
    this.layers = routing.map(([layer, sizes]) => {
      const [experts, choices] = [sizes.get('probs'), sizes.get('topk')!];
      if (experts === undefined) throw new UserError(`layer ${layer} has no gate probabilities of a known name`);
      if (gates > 0 && sizes.has('probs_masked')) throw new UserError('its router leaves out groups of experts; record it without --gates');
      const want = (kind: string, width: number): string => {
        this.#wanted.set(`ffn_moe_${kind}-${layer}`, width);
        return `ffn_moe_${kind}-${layer}`;
      };
      const ids = gates > 0 && sizes.has('argsort') ? want('argsort', experts) : want('topk', choices);
      return { experts, choices, ids, gates: want('probs', experts), logits: sizes.has('weights_softmax') };
    });
    this.width = Math.max(...this.layers.map(({ choices, experts }) => Math.min(experts, choices + gates)));
  }

  /** Routing of the pass; tokens without a later draw lack the last layer. @throws UserError if a layer is missing */
  finish(tokens: number): PassRouting {
    if (this.#fault !== null) throw this.#fault;
    const ids = new Uint16Array(tokens * this.layers.length * this.width).fill(NULL_EXPERT);
    const pass = { ids, weights: new Float32Array(ids.length) };
    this.layers.forEach((layer, index) => {
      const [rows, weighed] = [layer.ids, layer.gates].map((name) => this.#tensors.get(name)?.rows ?? 0) as [number, number];
      if (rows !== weighed || (rows !== tokens && (index < this.layers.length - 1 || rows > 1)))
        throw new UserError(`${layer.ids} has ${rows} rows in a pass of ${tokens} tokens, which is not understood`);
      for (let row = 0; row < rows; row++) this.#write(layer, row, pass, ((tokens - rows + row) * this.layers.length + index) * this.width);
    });
    this.#tensors.clear();
    return pass;
  }

  #write({ experts, gates, ids, logits }: RoutingLayer, row: number, into: PassRouting, at: number): void {
    const [chosen, weighed] = [this.#tensors.get(ids)!, this.#tensors.get(gates)!];
    const gate = Float64Array.from({ length: experts }, (_, expert) => weighed.values.getFloat32(row * weighed.stride + 4 * expert, true));
    const most = Math.max(...gate);
    const sum = gate.reduce((total, logit) => total + Math.exp(logit - most), 0);
    for (let rank = 0; rank < Math.min(this.#wanted.get(ids)!, this.width); rank++) {
      const expert = chosen.values.getInt32(row * chosen.stride + 4 * rank, true);
      into.ids[at + rank] = expert;
      into.weights[at + rank] = logits ? Math.exp(gate[expert]! - most) / sum : gate[expert]!;
    }
  }
}
