// The architecture comes from config.json, as packed tensors lose their shape.
import { UserError } from '../base/errors.js';
import { viewOf } from '../base/host/bytes.js';
import { existsSync } from '../base/host/files.js';
import { join } from '../base/host/paths.js';
import { type InputFile, listFolder, withInput } from '../base/input-file.js';
import { isCount, isObject } from '../base/objects.js';
import { parseJson, readJson } from './json.js';
import { type LayerParts, type ModelParts, NO_WEIGHTS, type Weights } from './parts.js';
import type { ModelProfile } from './profile.js';
import { scaleFormats } from './spec.js';

/** Next to config.json. */
const INDEX_FILE = 'model.safetensors.index.json';

/** Most header bytes that safetensors allows. */
const HEADER_LIMIT = 100_000_000;

/** A header length below 4 GiB, then `{`. */
export const looksLikeSafetensors = (head: Uint8Array): boolean =>
  head.length > 9 && head[8] === 0x7b && head[4] === 0 && head[5] === 0 && head[6] === 0 && head[7] === 0;

/** Bytes by name; null: no checkpoint. @throws UserError for missing or damaged files */
export function tensorSizes(folder: string): ReadonlyMap<string, number> | null {
  const files = checkpointFiles(folder);
  if (files === null) return null;
  const sizes = new Map<string, number>();
  for (const file of files) withInput(join(folder, file), 'model', (open) => addSizes(open, sizes));
  return sizes;
}

function checkpointFiles(folder: string): string[] | null {
  const present = listFolder(folder).filter((name) => name.endsWith('.safetensors'));
  const index = join(folder, INDEX_FILE);
  if (!existsSync(index)) {
    if (present.includes('model.safetensors')) return ['model.safetensors'];
    const parts = present.filter((name) => /-\d{5}-of-\d{5}\.safetensors$/.test(name)).sort();
    return parts.length > 0 ? parts : null;
  }
  const map = readJson(index, 'index').weight_map;
  if (!isObject(map) || !Object.values(map).every((name) => typeof name === 'string' && /^[^/\\\p{Cc}]+$/u.test(name)))
    throw new UserError(`${index}: weight_map: expected the name of a file for each tensor`);
  const files = [...new Set(Object.values(map) as string[])].sort();
  const missing = files.filter((name) => !present.includes(name));
  if (missing.length === files.length) return null;
  if (missing.length > 0)
    throw new UserError(
      `${folder}: ${missing.length} of ${files.length} files of the checkpoint are missing, e.g. ${missing[0]!.slice(0, 80)}; ` +
        'fetch them, or name a --quantization to price the model by its config.json',
    );
  return files;
}

function addSizes(file: InputFile, sizes: Map<string, number>): void {
  const { dataBytes, entries } = safetensorsHeader(file);
  for (const [name, entry] of Object.entries(entries)) {
    if (name === '__metadata__') continue;
    const place = `${file.path}: tensor ${JSON.stringify(name.slice(0, 80))}`;
    const [begin, end] = dataOffsets(place, isObject(entry) ? entry.data_offsets : null, dataBytes);
    sizes.set(name, end - begin);
  }
}

/** Unchecked entries of a header, and data bytes. @throws UserError for a long, short or non-JSON header */
export function safetensorsHeader(file: Pick<InputFile, 'bytes' | 'part' | 'path'>) {
  const { bytes, path } = file;
  if (bytes < 8) throw new UserError(`${path}: ${bytes} bytes are too few for a safetensors file; it was cut short`);
  const length = Number(viewOf(file.part(0, 8)).getBigUint64(0, true));
  if (length > HEADER_LIMIT)
    throw new UserError(`${path}: a header of ${length} bytes is more than safetensors allows (${HEADER_LIMIT}); is it one?`);
  const dataBytes = bytes - 8 - length;
  if (dataBytes < 0) throw new UserError(`${path}: the header ends at byte ${8 + length}, the file at ${bytes}; it was cut short`);
  const damaged = 'it is no safetensors file, or was damaged';
  const entries = parseJson(file.part(8, length), path, `the header is not JSON; ${damaged}`);
  if (!isObject(entries)) throw new UserError(`${path}: the header is not a JSON object; ${damaged}`);
  return { entries, dataBytes };
}

/** First and last data byte of a tensor. @throws UserError with place, for offsets outside the file */
export function dataOffsets(place: string, offsets: unknown, dataBytes: number): readonly [begin: number, end: number] {
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw new UserError(`${place}: data_offsets is not [begin, end]`);
  const [begin, end] = offsets as [number, number];
  if (end >= begin && end <= dataBytes) return [begin, end];
  throw new UserError(`${place}: data_offsets [${begin}, ${end}] lie outside the file, which has ${dataBytes} bytes of data`);
}

type Part = Exclude<keyof LayerParts, 'context' | 'moe' | 'further'> | 'experts';

type Place = { readonly layer: number; readonly part: Part } | 'embedding' | 'head' | null;

/** @param parts at the format of config.json @throws UserError for missing or unexpected experts */
export function withTensorSizes(parts: ModelParts, profile: ModelProfile, sizes: ReadonlyMap<string, number>, folder: string): ModelParts {
  const empty = (): Record<Part, number> => ({ attention: 0, router: 0, shared: 0, ffn: 0, experts: 0 });
  const layers = parts.layers.map(empty);
  const outside = { embedding: 0, head: 0 };
  const encoderLayers = profile.attention.kind === 'gqa' ? (profile.attention.crossFrom ?? 0) : 0;
  for (const [name, bytes] of sizes) {
    const place = placeOf(name, encoderLayers);
    if (place === null) continue;
    if (typeof place === 'string') outside[place] += bytes;
    else if (place.layer < layers.length) layers[place.layer]![place.part] += bytes;
  }
  const stored = (weights: Weights, bytes: number): Weights =>
    weights === NO_WEIGHTS && bytes === 0 ? NO_WEIGHTS : { ...weights, bytes, formats: formatsOf(weights, bytes) };
  const { anatomy: _, ...described } = parts;
  return {
    ...described,
    quantization: 'safetensors',
    layers: parts.layers.map((layer, index): LayerParts => {
      const parts = layers[index]!;
      if ((layer.moe === null) !== (parts.experts === 0))
        throw new UserError(
          `${folder}: layer ${index} has ${parts.experts === 0 ? 'no ' : ''}experts in its safetensors files, but ` +
            `${layer.moe === null ? 'none' : layer.moe.experts} by its config.json; name a --quantization to price it by the latter`,
        );
      return {
        context: layer.context,
        attention: stored(layer.attention, parts.attention),
        router: stored(layer.router, parts.router),
        shared: stored(layer.shared, parts.shared),
        ffn: stored(layer.ffn, parts.ffn),
        moe: layer.moe === null ? null : { ...layer.moe, expert: stored(layer.moe.expert, parts.experts / layer.moe.experts) },
      };
    }),
    // Files may hold a tied table under either name, or under two.
    head: stored(parts.head, parts.embedding === null ? outside.head + outside.embedding : outside.head),
    embedding: parts.embedding === null ? null : stored(parts.embedding, outside.embedding),
  };
}

/** Formats by the checkpoint's rule, scaled to file bytes; empty if too far from the rule. */
const formatsOf = ({ formats, bytes: expected }: Weights, bytes: number): Weights['formats'] =>
  bytes > 0.7 * expected && bytes < 1.4 * expected ? scaleFormats(formats, 1, bytes / expected) : [];

/** Null: outside the language model. @param encoderLayers precede the decoder's */
export function placeOf(name: string, encoderLayers = 0): Place {
  if (/(^|\.)(vision|visual|audio|mtp|code2wav|talker|multi_modal|mm_)/.test(name)) return null;
  const match = /(^|\.)(?:layers?|blocks?|h)\.(\d+)\.(.+)$/.exec(name);
  if (match === null) return /embed|wte|^(model\.)?shared\.|word_embeddings|in_out_embed/.test(name) ? 'embedding' : 'head';
  const decoder = encoderLayers > 0 && /(^|\.)decoder\./.test(name.slice(0, match.index + 1));
  return { layer: Number(match[2]) + (decoder ? encoderLayers : 0), part: partOf(match[3]!) };
}

function partOf(name: string): Part {
  // Granite's stacked experts are input_linear and output_linear.
  if (/(^|\.)experts\.|(^|\.)block_sparse_moe\.(input|output)_linear\./.test(name)) return 'experts';
  if (/shared_(expert|mlp)/.test(name)) return 'shared';
  if (/(^|\.)(gate|router|moe_statics|e_score_correction_bias)(\.|$)/.test(name)) return 'router';
  return /attn|attention|norm|mixer|mamba/i.test(name) ? 'attention' : 'ffn';
}
