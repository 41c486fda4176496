// exllamav3: counts by layer key, as JSON, or as safetensors with the ranking and a fingerprint.

import { UserError } from '../../base/errors.js';
import { bytesOf, joined, viewOf } from '../../base/host/bytes.js';
import { isObject, ownValue } from '../../base/objects.js';
import { mostPopular } from '../../cache/share.js';
import { decoderLayers, looksLikeSafetensors, type ModelSpec, parseJson } from '../../model/door.js';
import {
  demandFrom,
  expertBlocks,
  jsonOf,
  layerDemand,
  modelMisfit,
  type Placed,
  type ProfileFile,
  type ProfileFormat,
  wholeCounts,
} from './format.js';

/** Key of a layer; some models put more words before `layers`. */
const keyOf = (block: number): string => `model.layers.${block}.mlp`;
const KEY = /(?:^|\.)layers\.(\d+)\.\w+$/;
/** Field of the metadata that holds our fingerprint, beside its own. */
const OURS = 'moeprof';
const WORD = 8;

/** Placement profile of exllamav3. */
export const exllamav3: ProfileFormat = {
  name: 'exllamav3',
  summary: 'counts by layer key (.json), or counts and ranking with a fingerprint (.safetensors, .exl3moe)',
  cites: 'exllamav3 pull request 315, exllamav3/model/moe_profile.py, read 2026-12-01; not released',
  holds: 'demand',
  even: true,
  runtime: 'exllamav3',
  extensions: ['.json', '.safetensors', '.exl3moe'],
  keeps: (path) => !path.endsWith('.json'),
  use: (path, { model, slots }) => `-mcp ${path} -mcpm static -mcs ${model.layers[0]!.experts - slots[0]!}`,
  write(placed, path) {
    const { demand, model } = placed;
    if (!path.endsWith('.json')) return packed(placed);
    const counts = wholeCounts(model, demand);
    const lines = expertBlocks(model).map((block, l) => `  ${JSON.stringify(keyOf(block))}: [${layerDemand(model, counts, l).join(', ')}]`);
    return `{\n${lines.join(',\n')}\n}\n`;
  },
  detect: ({ bytes, text }) =>
    looksLikeSafetensors(bytes) ? 'layer_keys' in (metadataIn(bytes) ?? {}) : /^\s*\{\s*"[\w.]*layers\.\d+\.\w+"\s*:\s*\[/.test(text),
  read: (file, model) => ({ kind: 'demand', demand: looksLikeSafetensors(file.bytes) ? unpacked(file, model) : keyed(file, model) }),
  fingerprint: ({ bytes }) => (looksLikeSafetensors(bytes) ? ((ownValue(metadataIn(bytes), OURS) as string | undefined) ?? null) : null),
};

function keyed(file: ProfileFile, model: ModelSpec): Float64Array {
  const value = jsonOf(file);
  if (!isObject(value)) throw new UserError(`${file.path}: no object with a list of counts for each layer`);
  return inOrder(file.path, model, Object.keys(value), Object.values(value));
}

/** Rows by their keys. @throws UserError where the keys are not those of the model's layers */
function inOrder(path: string, model: ModelSpec, keys: readonly string[], rows: readonly unknown[]): Float64Array {
  const byBlock = new Map(keys.map((key, i) => [Number(KEY.exec(key)?.[1] ?? -1), rows[i]]));
  const blocks = expertBlocks(model);
  const odd = [...byBlock.keys()].find((block) => !blocks.includes(block));
  if (odd !== undefined || byBlock.size !== blocks.length || keys.length !== byBlock.size)
    throw modelMisfit(path, odd === undefined ? `has ${keys.length} layers` : `has the layer ${odd}`, model);
  return demandFrom(
    model,
    blocks.map((block) => byBlock.get(block)),
    path,
  );
}

/** Counts, ranking and fingerprint as safetensors. */
function packed({ demand, fingerprint, model }: Placed): Uint8Array {
  const { experts } = model.layers[0]!;
  const odd = model.layers.find((layer) => layer.experts !== experts);
  if (odd !== undefined)
    throw new UserError(`exllamav3: layer ${odd.index} has other experts than the first, which no tensor holds; write .json`);
  const counts = wholeCounts(model, demand);
  const size = model.experts * WORD;
  const tensor = (at: number) => ({ dtype: 'I64', shape: [model.layers.length, experts], data_offsets: [at, at + size] });
  const metadata = {
    layer_keys: JSON.stringify(expertBlocks(model).map(keyOf)),
    fingerprint: JSON.stringify({ layers: decoderLayers(model), experts, ...(model.hidden > 0 ? { hidden_size: model.hidden } : {}) }),
    [OURS]: JSON.stringify(fingerprint),
  };
  const text = bytesOf(JSON.stringify({ __metadata__: metadata, ranking: tensor(0), counts: tensor(size) }));
  const head = new Uint8Array(WORD + Math.ceil(text.length / WORD) * WORD).fill(32);
  viewOf(head).setBigUint64(0, BigInt(head.length - WORD), true);
  head.set(text, WORD);
  const data = new BigInt64Array(
    [...model.layers.flatMap((_, l) => mostPopular(Float64Array.from(layerDemand(model, demand, l)))), ...counts].map(BigInt),
  );
  return joined([head, new Uint8Array(data.buffer)]);
}

function headerIn(bytes: Uint8Array): unknown {
  const length = Number(viewOf(bytes).getBigUint64(0, true));
  if (length > bytes.length - WORD) return null;
  return parseJson(bytes.subarray(WORD, WORD + length), 'header');
}

function metadataIn(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const metadata = ownValue(headerIn(bytes), '__metadata__');
    return isObject(metadata) ? metadata : null;
  } catch {
    return null;
  }
}

/** Counts of a packed file; where there is only a ranking, numbers in its order. */
function unpacked({ bytes, path }: ProfileFile, model: ModelSpec): Float64Array {
  const header = headerIn(bytes);
  const keys: unknown = parseJson(bytesOf(String(metadataIn(bytes)!.layer_keys)), `${path}: layer_keys`);
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) throw new UserError(`${path}: layer_keys: no list of keys`);
  const counts = rowsIn(bytes, header, 'counts', path);
  const rows = counts ?? rowsIn(bytes, header, 'ranking', path)?.map((row) => placesIn(row, path));
  if (rows === undefined) throw new UserError(`${path}: has no counts or ranking; take a profile of exllamav3`);
  return inOrder(path, model, keys, rows);
}

/** By expert: the higher, the earlier it stands in a ranking. */
function placesIn(row: readonly number[], path: string): number[] {
  const places = row.map((_, expert) => row.length - row.indexOf(expert));
  if (places.some((place) => place > row.length)) throw new UserError(`${path}: ranking: does not name each expert once`);
  return places;
}

/** Rows of a matrix of int64. @returns null: there is none of that name @throws UserError */
function rowsIn(bytes: Uint8Array, header: unknown, name: string, path: string): number[][] | null {
  const tensor = ownValue(header, name);
  if (tensor === undefined) return null;
  const { data_offsets: range, dtype, shape } = isObject(tensor) ? tensor : {};
  const start = WORD + Number(viewOf(bytes).getBigUint64(0, true));
  const [layers = 0, experts = 0] = Array.isArray(shape) ? (shape as number[]) : [];
  const [from = 0, to = 0] = Array.isArray(range) ? (range as number[]) : [];
  const words = layers * experts;
  const whole = [layers, experts, from, to].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (dtype !== 'I64' || !whole || words === 0 || to - from !== words * WORD || start + to > bytes.length)
    throw new UserError(`${path}: ${name}: no matrix of int64 that lies in the file; was it cut short?`);
  const data = viewOf(bytes.subarray(start + from, start + to));
  return Array.from({ length: layers }, (_, l) =>
    Array.from({ length: experts }, (_, e) => Number(data.getBigInt64((l * experts + e) * WORD, true))),
  );
}
