// The content of a file decides the format.
import { placed, UserError } from '../../base/errors.js';
import { latin1Of, textOf } from '../../base/host/bytes.js';
import { basename, dirname, join } from '../../base/host/paths.js';
import { isFolder, listFolder, statOf, withInput } from '../../base/input-file.js';
import { definedFields, isObject, remembered } from '../../base/objects.js';
import { findProfile, isPath } from '../../base/profiles.js';
import { inARow } from '../../base/text.js';
import { formatBytes } from '../../base/units.js';
import type { Override } from '../../base/yaml.js';
import { levelSizes, measureProfile } from '../build.js';
import { measureGguf, measureHeaders } from '../gguf.js';
import { GGUF_MAGIC } from '../gguf-header.js';
import { isHubAddress, parseHubAddress } from '../hub/address.js';
import { type MeantModel, meantAddress, meantModel } from '../hub/bundled.js';
import { hubFolder, storedEntry } from '../hub/store.js';
import { readJson } from '../json.js';
import { assemble, type ModelParts } from '../parts.js';
import type { ModelProfile } from '../profile.js';
import { findQuantization, knownQuantization } from '../quantization/index.js';
import { looksLikeSafetensors, tensorSizes, withTensorSizes } from '../safetensors.js';
import { modelOfShape } from '../shape.js';
import type { ModelSpec } from '../spec.js';
import { modelProfile } from '../table.js';
import { configProfile } from './huggingface.js';

/** A model and its origin. */
export interface OpenModel {
  readonly parts: ModelParts;
  /** Architecture, if described rather than read from tensors. */
  readonly profile: ModelProfile | null;
  /** Format rules, or tensors in files. */
  readonly sizes: 'format' | 'tensors';
}

/** Limit of a profile in bytes; ours. */
const PROFILE_LIMIT = 2 ** 20;

/** Cached models: cells of a study repeat the same few. */
const MEASURED = new WeakMap<ModelProfile, Map<string, OpenModel>>();
const ASSEMBLED = new WeakMap<ModelParts, ModelSpec>();

type Source =
  | { readonly kind: 'gguf' | 'profile'; readonly path: string }
  | { readonly kind: 'config'; readonly path: string; readonly folder: string };

/**
 * @param nameOrPath bundled name, profile, config.json, folder or index of safetensors, GGUF file, or fetched hub model
 * @param quantization null: the format of the files or the profile
 * @throws UserError for an unknown model or format, or a malformed file
 */
export function loadModel(
  nameOrPath: string,
  quantization: string | null = null,
  relativeTo?: string,
  overrides: readonly Override[] = [],
): ModelSpec {
  const shape = modelOfShape(nameOrPath);
  if (shape !== null) return shape;
  const { parts } = openModel(nameOrPath, quantization, relativeTo, overrides);
  return remembered(ASSEMBLED, parts, () => assemble(parts));
}

/** Parameters and errors as {@link loadModel}. */
export function openModel(
  nameOrPath: string,
  quantization: string | null = null,
  relativeTo?: string,
  overrides: readonly Override[] = [],
): OpenModel {
  if (isHubAddress(nameOrPath)) return openHubModel(nameOrPath, quantization, overrides);
  const meant = meantModel(nameOrPath, relativeTo);
  if (meant.note !== null) return openMeant(meant, quantization, overrides);
  const { name } = meant;
  const path = findProfile('models', name, relativeTo);
  const source: Source = isPath(name) ? sourceAt(path) : { kind: 'profile', path };
  if (source.kind === 'gguf') {
    if (quantization !== null) throw noOtherFormat(quantization);
    return { parts: measureGguf(source.path, overrides), profile: null, sizes: 'tensors' };
  }
  const profile =
    source.kind === 'config'
      ? configProfile(readJson(source.path, 'config'), source.path, overrides)
      : modelProfile(source.path, overrides);
  if (source.kind === 'config' && quantization === null) {
    const sizes = tensorSizes(source.folder);
    if (sizes !== null) {
      const shape = measureProfile(profile, knownQuantization(profile.quantization) ?? findQuantization('bf16'));
      return { parts: withTensorSizes(shape, profile, sizes, source.folder), profile, sizes: 'tensors' };
    }
  }
  return atFormat(profile, quantization);
}

function openMeant({ assumed, name, note, stored }: MeantModel, quantization: string | null, overrides: readonly Override[]): OpenModel {
  const { parts, ...open } = openModel(name, quantization ?? stored?.format ?? null, undefined, overrides);
  const marks = definedFields({ assumed: inARow(assumed, parts.assumed), note: inARow(note, assumed, parts.note) });
  return { ...open, parts: { ...parts, ...marks } };
}

/** Null: a file, a fetched model, or a bundled name. */
export function meantOf(nameOrPath: string): MeantModel | null {
  if (!isHubAddress(nameOrPath)) {
    const meant = meantModel(nameOrPath);
    return meant.note === null ? null : meant;
  }
  const address = parseHubAddress(nameOrPath);
  return storedEntry(address, hubFolder()) === null ? meantAddress(address) : null;
}

function openHubModel(text: string, quantization: string | null, overrides: readonly Override[]): OpenModel {
  const address = parseHubAddress(text);
  const entry = storedEntry(address, hubFolder());
  if (entry === null) {
    const meant = meantAddress(address);
    if (meant === null) throw new UserError(`${text}: has not been fetched yet; moeprof model inspect ${text} does`);
    return openMeant(meant, quantization, overrides);
  }
  const { model } = entry;
  if (model.kind === 'config') return atFormat(configProfile(model.config, text, overrides), quantization ?? address.format);
  if (quantization !== null) throw noOtherFormat(quantization);
  return { parts: measureHeaders(text, model.headers, overrides), profile: null, sizes: 'tensors' };
}

function atFormat(profile: ModelProfile, quantization: string | null): OpenModel {
  const [place, name] = quantization === null ? [`model ${profile.name}`, profile.quantization] : ['--quantization', quantization];
  const format = placed(place, () => findQuantization(name));
  const measured = remembered(MEASURED, profile, () => new Map<string, OpenModel>());
  return remembered(measured, name, () => ({ parts: levelSizes(measureProfile(profile, format)), profile, sizes: 'format' }));
}

function noOtherFormat(quantization: string): UserError {
  const why = 'a GGUF file is what it is; leave the option out, or name a profile or config.json';
  return new UserError(`--quantization ${quantization}: ${why}`);
}

/** The architecture of a bundled profile. @throws UserError for an unknown name */
export const loadProfile = (name: string): ModelProfile => modelProfile(findProfile('models', name));

/** The unchecked `routing:` block of a profile; null: no block. @throws UserError as {@link loadModel} */
export function loadRouting(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): Record<string, unknown> | null {
  if (isHubAddress(nameOrPath)) return null;
  const { name } = meantModel(nameOrPath, relativeTo);
  const path = findProfile('models', name, relativeTo);
  if (isPath(name) && sourceAt(path).kind !== 'profile') return null;
  return modelProfile(path, overrides).routing ?? null;
}

function notWeights(path: string, head: string): UserError {
  if (/^version https:\/\/git-lfs/.test(head))
    return new UserError(`${path}: is a pointer of Git LFS, not the model itself; fetch it with git lfs pull`);
  const found = /^\s*<(!doctype|html|\?xml)/i.test(head) ? 'a web page' : 'something else';
  return new UserError(`${path}: holds ${found}, not the weights that its name promises; fetch it again`);
}

function sourceAt(path: string): Source {
  if (isFolder(path)) return sourceIn(path);
  const { head, size } = withInput(path, 'model', (file) => ({ head: file.part(0, 4096), size: file.bytes }));
  if (latin1Of(head, 0, 4) === GGUF_MAGIC) return { kind: 'gguf', path };
  if (looksLikeSafetensors(head)) return configIn(dirname(path), basename(path));
  if (size > 0 && /\.(gguf|safetensors)$/i.test(path)) throw notWeights(path, textOf(head));
  if (!/^\uFEFF?\s*\{/.test(textOf(head)) || /\.ya?ml$/i.test(path)) {
    if (size > PROFILE_LIMIT)
      throw new UserError(
        `${path}: is no model: expected a YAML profile, a config.json, safetensors or GGUF, and found ${formatBytes(size)} of something else`,
      );
    return { kind: 'profile', path };
  }
  const json = readJson(path, 'config');
  if (Object.hasOwn(json, 'model_type') || Object.hasOwn(json, 'architectures')) return { kind: 'config', path, folder: dirname(path) };
  if (isObject(json.weight_map)) return configIn(dirname(path), basename(path));
  // A profile may be written as JSON.
  return { kind: 'profile', path };
}

function sourceIn(folder: string): Source {
  const names = listFolder(folder);
  if (names.includes('config.json')) return configIn(folder, 'config.json');
  // The first part represents a split file.
  const ggufs = names.filter((name) => /\.gguf$/i.test(name) && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/i.test(name)).sort();
  if (ggufs.length === 1) return { kind: 'gguf', path: join(folder, ggufs[0]!) };
  if (ggufs.length > 1) throw new UserError(`${folder}: has ${ggufs.length} GGUF files; name one, e.g. ${join(folder, ggufs[0]!)}`);
  throw new UserError(`${folder}: has neither a config.json nor a GGUF file`);
}

function configIn(folder: string, beside: string): Source {
  const path = join(folder, 'config.json');
  if (statOf(path)?.isFile() !== true)
    throw new UserError(`${join(folder, beside)}: needs the config.json of its model beside it, which tells the architecture`);
  return { kind: 'config', path, folder };
}
