// The model of a measurement, from what a row says: a name that may not be bundled, a label of the quantization that may say little, and bits
// per weight over the whole file that may be rounded. This file decides how much each of them counts.
import { UserError } from '../../base/errors.js';
import { listProfiles } from '../../base/profiles.js';
import { levelSizes, measureProfile, wholeFile } from '../build.js';
import { assemble, type ModelParts, routedOf } from '../parts.js';
import type { ModelProfile } from '../profile.js';
import { kernelFormat } from '../quantization/formats/index.js';
import { findQuantization } from '../quantization/index.js';
import { readLabel } from '../quantization/label.js';
import type { Quantization } from '../quantization/rule.js';
import { type ModelShape, profileOfShape } from '../shape.js';
import { type ModelSpec, mainFormat } from '../spec.js';
import { loadProfile } from './load.js';

/** The model fields of a measurement. */
export interface MeasuredModel {
  /** Name of a bundled profile, or of the model whose shape follows. */
  readonly name: string;
  /** Label of the storage format. */
  readonly quant?: string | undefined;
  /** Bits per weight over the whole file. */
  readonly bits?: number | undefined;
  readonly shape?: ModelShape | undefined;
}

/** Stated bits within this distance of the rule's count as the rule's: most are rounded, or leave out the head. */
const NEAR = 0.03;

/**
 * The model of a measurement: its profile, where one is bundled, else its shape, stored as its label and its bits say.
 * @throws UserError where there is neither, or its storage is unknown
 */
export function measuredModel(measured: MeasuredModel): ModelSpec {
  return assemble(levelSizes(partsOf(measured, profileOf(measured))));
}

function profileOf({ name, shape }: MeasuredModel): ModelProfile {
  if (listProfiles('models').includes(name)) return loadProfile(name);
  if (shape === undefined) throw new UserError(`model ${name}: has neither a profile nor a shape; add model.shape`);
  return profileOfShape(name, shape);
}

/** The model at the rule of its label, moved to its stated bits where these are not the rule's own; k-quants where the label cannot have them. */
function partsOf({ name, quant, bits }: MeasuredModel, profile: ModelProfile): ModelParts {
  const at = (written: Quantization): ModelParts => measureProfile(profile, written);
  const rule = quant === undefined ? null : readLabel(quant);
  if (bits === undefined) {
    if (rule === null || rule.name === 'mix')
      throw new UserError(`model ${name}: nothing says how its weights are stored; add model.quant (a known name) or model.bits`);
    return at(rule);
  }
  if (rule !== null && rule.name !== 'mix') {
    const own = at(rule);
    if (means(rule, own, bits)) return own;
    try {
      return at(findQuantization(`${rule.name}:bits=${bits}`));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return at(findQuantization(`mix:bits=${bits}`));
}

/**
 * True where stated bits say no more than the label: they are near those of the whole file, or are those of the experts' format (gpt-oss "at
 * 4.25"). Rules of HQQ are those of whole published files, which no figure can better.
 */
function means(rule: Quantization, own: ModelParts, bits: number): boolean {
  const { bytes, parameters } = wholeFile(own);
  const near = (one: number, other: number): boolean => Math.abs(one / other - 1) <= NEAR;
  const format = mainFormat(own.layers.flatMap(routedOf)[0]!.expert.formats);
  return rule.name.startsWith('hqq') || near(bits, (8 * bytes) / parameters) || bits === kernelFormat(format ?? '')?.bits;
}
