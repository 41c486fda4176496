import { UserError } from '../../base/errors.js';
import { remembered } from '../../base/objects.js';
import { isPath, listProfiles } from '../../base/profiles.js';
import { levelSizes, measureProfile, wholeFile } from '../build.js';
import { assemble, type ModelParts, routedOf } from '../parts.js';
import { type ModelProfile, ModelProfileSchema } from '../profile.js';
import { kernelFormat } from '../quantization/formats/index.js';
import { findQuantization } from '../quantization/index.js';
import { readLabel } from '../quantization/label.js';
import type { Quantization } from '../quantization/rule.js';
import { type ModelSpec, mainFormat } from '../spec.js';
import { loadModel, loadProfile } from './load.js';

/** The model of a measurement. Names may be unbundled, labels vague, bits rounded. */
export interface MeasuredModel {
  /** Bundled profile, path of a model file, or name of the model in `shape`. */
  readonly name: string;
  readonly quant?: string;
  /** Bits per weight over the whole file. */
  readonly bits?: number;
  readonly shape?: ModelShape;
}

/** Relative distance of stated bits that still match the rule (ours): most are rounded, or leave out the head. */
const NEAR = 0.03;

const models = new Map<string, ModelSpec>();

/** A bundled profile, else a shape. @throws UserError without either */
export function measuredModel(measured: MeasuredModel): ModelSpec {
  if (isPath(measured.name)) return loadModel(measured.name, measured.quant);
  return remembered(models, JSON.stringify(measured), () => assemble(levelSizes(partsOf(measured, profileOf(measured)))));
}

function profileOf({ name, shape }: MeasuredModel): ModelProfile {
  if (listProfiles('models').includes(name)) return loadProfile(name);
  if (shape === undefined) throw new UserError(`model ${name}: has neither a profile nor a shape; add model.shape`);
  return profileOfShape(name, shape);
}

/** Parts at the label's rule, moved to the stated bits if different; k-quants for an absent or contradicting label. */
function partsOf({ name, quant, bits }: MeasuredModel, profile: ModelProfile): ModelParts {
  const at = (written: Quantization): ModelParts => measureProfile(profile, written);
  const rule = quant === undefined ? null : readLabel(quant);
  if (quant !== undefined && rule === null)
    throw new UserError(
      `model ${name}: unknown quantization "${quant}"; name a known one, or write mix-${quant} and model.bits for any mix of k-quants`,
    );
  if (bits === undefined) {
    if (rule === null || rule.name === 'mix')
      throw new UserError(`model ${name}: nothing says how its weights are stored; add model.quant (a known name) or model.bits`);
    return at(rule);
  }
  if (rule !== null && rule.name !== 'mix') {
    const parts = at(rule);
    if (means(rule, parts, bits)) return parts;
    try {
      return at(findQuantization(`${rule.name}:bits=${bits}`));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return at(findQuantization(`mix:bits=${bits}`));
}

/** True if stated bits match the file's or the experts' format (gpt-oss "at 4.25"). HQQ rules are exact. */
function means(rule: Quantization, parts: ModelParts, bits: number): boolean {
  const { bytes, parameters } = wholeFile(parts);
  const near = (bits: number, other: number): boolean => Math.abs(bits / other - 1) <= NEAR;
  const format = mainFormat(parts.layers.flatMap(routedOf)[0]!.expert.formats);
  return rule.name.startsWith('hqq') || near(bits, (8 * bytes) / parameters) || bits === kernelFormat(format ?? '')?.bits;
}

/** As named in measurements; usual values fill the gaps. */
export interface ModelShape {
  /** Decoder layers, and MoE layers; dense layers come first. */
  readonly layers: number;
  readonly moe_layers: number;
  /** Routed experts of a layer, and experts per token. */
  readonly experts: number;
  readonly top_k: number;
  /** Widths of the residual stream and of an expert. */
  readonly hidden: number;
  readonly expert_intermediate: number;
  /** Shared experts, as wide as a routed expert. Absent: none. */
  readonly shared_experts?: number;
  /** Parameters in billions: total, and per token. */
  readonly total_b: number;
  readonly active_b: number;
}

/** Default vocabulary, of Qwen3: between DeepSeek's (129,280) and gpt-oss's (201,088). */
const VOCAB = 151_936;

/** Default head width and KV heads, of Qwen3-30B and 235B. Most models have 4 or 8 KV heads of 128, or equal bytes. */
const HEAD = 128;
const KV_HEADS = 4;

/** Limits of the query heads, as a multiple of the usual number (total width twice the residual stream); ours. */
const LEAST = 0.5;
const MOST = 2;

/** Profile of a shape: exact experts, attention from active parameters, leading dense layers as in DeepSeek-V3. */
export function profileOfShape(name: string, shape: ModelShape): ModelProfile {
  const { layers, hidden, experts, top_k: topK, expert_intermediate: intermediate, shared_experts: shared = 0 } = shape;
  const first = Math.max(0, layers - shape.moe_layers);
  const expert = 3 * hidden * intermediate;
  const dense = (topK + shared) * intermediate;
  const known = shape.moe_layers * ((topK + shared) * expert + hidden * experts) + first * 3 * hidden * dense + 2 * VOCAB * hidden;
  const perLayer = (shape.active_b * 1e9 - known) / layers;
  const usual = (2 * hidden) / HEAD;
  const wanted = (perLayer / (hidden * HEAD) - 2 * KV_HEADS) / 2;
  const heads = Math.sqrt(usual * Math.min(MOST ** 2 * usual, Math.max(LEAST ** 2 * usual, wanted)));
  return ModelProfileSchema.parse({
    name,
    layers,
    hidden,
    vocab: VOCAB,
    attention: { kind: 'gqa', heads: KV_HEADS * Math.max(1, Math.round(heads / KV_HEADS)), kvHeads: KV_HEADS, headDim: HEAD },
    moe: {
      experts,
      topK,
      intermediate,
      first,
      ...(shared > 0 ? { shared: { intermediate: shared * intermediate } } : {}),
    },
    ...(first > 0 ? { dense: { intermediate: dense } } : {}),
    quantization: 'bf16',
    published: { total: shape.total_b * 1e9, active: shape.active_b * 1e9, source: 'shape' },
  });
}
