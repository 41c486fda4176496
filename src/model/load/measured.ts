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

/** The model of a measurement: its name may not be bundled, its label be vague, its bits be rounded; this decides how much each counts. */
export interface MeasuredModel {
  /** Name of a bundled profile, path of a model's file, or name of the model whose shape follows. */
  readonly name: string;
  /** Label of the storage format. */
  readonly quant?: string | undefined;
  /** Bits per weight over the whole file. */
  readonly bits?: number | undefined;
  readonly shape?: ModelShape | undefined;
}

/** Stated bits within this distance of the rule's count as the rule's: most are rounded, or leave out the head. */
const NEAR = 0.03;

/** Models by what measurements have of them: a log has many rows of one model, and a search for its size takes as long as a prediction. */
const models = new Map<string, ModelSpec>();

/** The model of a measurement: its bundled profile, else its shape, stored by label and bits. @throws UserError if there is neither */
export function measuredModel(measured: MeasuredModel): ModelSpec {
  if (isPath(measured.name)) return loadModel(measured.name, measured.quant);
  return remembered(models, JSON.stringify(measured), () => assemble(levelSizes(partsOf(measured, profileOf(measured)))));
}

function profileOf({ name, shape }: MeasuredModel): ModelProfile {
  if (listProfiles('models').includes(name)) return loadProfile(name);
  if (shape === undefined) throw new UserError(`model ${name}: has neither a profile nor a shape; add model.shape`);
  return profileOfShape(name, shape);
}

/** The model at the rule of its label, moved to its stated bits if these are not the rule's own; k-quants if the label cannot have them, or is absent. */
function partsOf({ name, quant, bits }: MeasuredModel, profile: ModelProfile): ModelParts {
  const at = (written: Quantization): ModelParts => measureProfile(profile, written);
  const rule = quant === undefined ? null : readLabel(quant);
  // Its kernels are unknown, and bits alone decide no speed.
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

/** True if stated bits are near the whole file's or the experts' format's (gpt-oss "at 4.25"): the label agrees. HQQ's rules are exact. */
function means(rule: Quantization, parts: ModelParts, bits: number): boolean {
  const { bytes, parameters } = wholeFile(parts);
  const near = (bits: number, other: number): boolean => Math.abs(bits / other - 1) <= NEAR;
  const format = mainFormat(parts.layers.flatMap(routedOf)[0]!.expert.formats);
  return rule.name.startsWith('hqq') || near(bits, (8 * bytes) / parameters) || bits === kernelFormat(format ?? '')?.bits;
}

/** Figures of a model of which no more is known, under the names that measurements have for them; usual values fill the gaps. */
export interface ModelShape {
  /** Decoder layers, and how many of them have experts; the others come first. */
  readonly layers: number;
  readonly moe_layers: number;
  /** Routed experts of a layer, and how many of them a token chooses. */
  readonly experts: number;
  readonly top_k: number;
  /** Widths of the residual stream and of one expert. */
  readonly hidden: number;
  readonly expert_intermediate: number;
  /** Shared experts, as wide as a routed one. Absent: none. */
  readonly shared_experts?: number | undefined;
  /** Parameters in billions, in total and per token. */
  readonly total_b: number;
  readonly active_b: number;
}

/** Vocabulary by default: that of Qwen3, between those of DeepSeek (129,280) and of gpt-oss (201,088). */
const VOCAB = 151_936;

/** Width of a head, and key and value heads: those of Qwen3-30B and 235B; most others have 4 or 8 of 128, or as many bytes in other ways. */
const HEAD = 128;
const KV_HEADS = 4;

/** Limits of the query heads, as a multiple of the usual number (as wide as twice the residual stream). */
const LEAST = 0.5;
const MOST = 2;

/** The profile of a shape: experts exact, attention by usual heads and the stated parameters of a token, leading dense layers as in DeepSeek-V3. */
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
