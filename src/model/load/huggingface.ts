import { UserError } from '../../base/errors.js';
import { basename, dirname } from '../../base/host/paths.js';
import { nearest } from '../../base/text.js';
import { checkValue, type Override } from '../../base/yaml.js';
import type { Architecture, Family } from '../families/family.js';
import { FAMILIES } from '../families/index.js';
import { looksUsual, readUsual } from '../families/usual.js';
import { Fields } from '../fields.js';
import { ConfigProfileSchema, type ModelProfile } from '../profile.js';

/** Fields of the language model in a multimodal configuration. */
const NESTED = ['text_config', 'thinker_config', 'language_config', 'llm_config'];

/** Names of the number of layers that predict further tokens. */
const NEXT = ['num_nextn_predict_layers', 'mtp_num_hidden_layers', 'num_mtp_modules'] as const;

/** Outer fields that a nested configuration inherits. */
const INHERITED = ['tie_word_embeddings', 'quantization_config'];

/** The profile of a config.json, with a note for an unknown type. @throws UserError without experts or a field */
export function configProfile(json: Readonly<Record<string, unknown>>, path: string, overrides: readonly Override[] = []): ModelProfile {
  const { read, config } = findFamily(new Fields(path, json));
  const trained = config.indexOr(0, 'max_position_embeddings');
  const context = trained === 0 ? {} : { trainedContext: trained };
  const type = config.text('model_type');
  const architecture = type !== null && /^[\w.-]{1,60}$/.test(type) ? { architecture: type } : {};
  const profile = {
    name: nameOf(path),
    quantization: storedFormat(config),
    ...architecture,
    ...context,
    ...mtpOf(config),
    ...read(config),
  };
  return checkValue(profile, path, ConfigProfileSchema, overrides);
}

/** Layers that predict further tokens; Qwen3-Next has one that its configuration does not name. */
function mtpOf(config: Fields): { mtpLayers?: number } {
  if (config.says('model_type', 'qwen3_next') && !NEXT.some((name) => config.has(name))) return {};
  return { mtpLayers: config.indexOr(0, ...NEXT) };
}

/** Reader of a configuration, or of a language model nested up to two levels deep. */
function findFamily(outer: Fields): { read: (config: Fields) => Architecture; config: Fields } {
  let config = outer;
  let family = familyOf(config);
  for (let depth = 0; depth < 2; depth++) {
    const nested = NESTED.flatMap((name) => config.object(name) ?? [])[0];
    if (nested === undefined) break;
    config = nested.within(config, INHERITED);
    family = familyOf(config) ?? family;
  }
  if (family !== null) return { read: family.read, config };
  const type = config.text('model_type') ?? config.texts('architectures')?.[0];
  if (type === undefined) throw new UserError(`${config.place}: model_type: is missing; is this the config.json of a model?`);
  if (looksUsual(config)) return { read: (fields) => readUsual(fields, type), config };
  const known = FAMILIES.flatMap((family) => family.types);
  const near = nearest(type, known, 1)[0];
  throw new UserError(
    `${config.place}: model_type ${JSON.stringify(type.slice(0, 60))} is not known${near === undefined ? '' : `; did you mean "${near}"?`} ` +
      `(known: ${known.join(', ')}; others need the usual fields, num_experts, num_experts_per_tok and moe_intermediate_size, or a YAML profile, ` +
      'as moeprof profiles show gpt-oss-20b prints one)',
  );
}

function familyOf(config: Fields): Family | null {
  const type = config.text('model_type');
  const architectures = config.texts('architectures') ?? [];
  return (
    FAMILIES.find((family) => type !== null && family.types.includes(type)) ??
    FAMILIES.find((family) => architectures.some((name) => family.architectures?.includes(name))) ??
    null
  );
}

/** Checkpoint format from `quantization_config`; an unpriced format is refused unless `--quantization` overrides it. */
function storedFormat(config: Fields): string {
  const quantization = config.object('quantization_config');
  // DeepSeek-V4: experts in FP4 with 8-bit scales by 32, everything else in FP8.
  if (config.says('expert_dtype', 'fp4')) return 'mxfp4';
  const method =
    quantization
      ?.text('quant_method')
      ?.replace(/[^\w.-]/g, '_')
      .slice(0, 40) ?? null;
  if (quantization === null || method === null) return 'bf16';
  if (method === 'fp8' || method === 'fbgemm_fp8') return 'fp8';
  if (method === 'mxfp4') return 'mxfp4_hf';
  const groups = quantization.object('config_groups');
  const bits = quantization.indexOr(0, 'bits', 'w_bit') || (groups?.object('group_0')?.object('weights')?.indexOr(0, 'num_bits') ?? 0);
  if (bits === 4) return 'int4';
  if (bits === 8 && method === 'compressed-tensors') return 'fp8';
  return bits > 0 ? `${method}-${bits}bit` : method;
}

function nameOf(path: string): string {
  const file = basename(path).replace(/\.json$/i, '');
  if (file !== 'config') return file.replace(/\.config$/, '');
  const cached = /models--[^/\\]*?--([^/\\]+)[/\\]snapshots[/\\]/.exec(path)?.[1];
  return cached ?? (basename(dirname(path)) || 'model');
}
