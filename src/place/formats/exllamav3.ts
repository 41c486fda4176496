import { z } from 'zod';
import { orUserError, UserError } from '../../base/errors.js';
import { bytesOf, joined, viewOf } from '../../base/host/bytes.js';
import { isCount, isObject, ownValue } from '../../base/objects.js';
import { pasted } from '../../base/shell.js';
import { checkValue } from '../../base/yaml.js';
import { mostPopular } from '../../cache/share.js';
import { dataOffsets, decoderLayers, looksLikeSafetensors, type ModelSpec, parseJson, safetensorsHeader } from '../../model/door.js';
import {
  countList,
  demandFrom,
  expertBlocks,
  jsonAs,
  layerDemand,
  modelMisfit,
  type Placed,
  type ProfileFile,
  type ProfileFormat,
  wholeCounts,
} from './format.js';

const keyOf = (block: number): string => `model.layers.${block}.mlp`;
/** Key as read: some models have further words before `layers`. */
const KEY = /(?:^|\.)layers\.(\d+)\.\w+$/;
/** Metadata field of moeprof's fingerprint. */
const OURS = 'moeprof';
/** Bytes of an int64. */
const WORD = 8;

/** Profile of exllamav3: counts by layer key as JSON, or as safetensors with ranking and fingerprint. */
export const exllamav3: ProfileFormat = {
  name: 'exllamav3',
  summary: 'counts by layer key (.json), or counts and ranking with a fingerprint (.safetensors, .exl3moe)',
  cites: 'exllamav3 pull request 315, exllamav3/model/moe_profile.py, read 2026-12-01; not released',
  holds: 'demand',
  even: true,
  runtime: 'exllamav3',
  extensions: ['.json', '.safetensors', '.exl3moe'],
  keeps: (path) => !path.endsWith('.json'),
  use: (path, { model, slots }) => `-mcp ${pasted(path)} -mcpm static -mcs ${model.layers[0]!.experts - slots[0]!}`,
  write(placed, path) {
    const { demand, model } = placed;
    if (!path.endsWith('.json')) return packed(placed);
    const counts = wholeCounts(model, demand);
    const lines = expertBlocks(model).map((block, l) => `  ${JSON.stringify(keyOf(block))}: [${layerDemand(model, counts, l).join(', ')}]`);
    return `{\n${lines.join(',\n')}\n}\n`;
  },
  detect: (file) => 'layer_keys' in metadataIn(file) || /^\s*\{\s*"[\w.]*layers\.\d+\.\w+"\s*:\s*\[/.test(file.text),
  read: (file, model) => ({ kind: 'demand', demand: looksLikeSafetensors(file.bytes) ? unpacked(file, model) : keyed(file, model) }),
  fingerprint: (file) => (metadataIn(file)[OURS] as string | undefined) ?? null,
};

function keyed(file: ProfileFile, model: ModelSpec): Float64Array {
  const value = jsonAs(file, z.record(z.string(), countList));
  return inOrder(file.path, model, Object.keys(value), Object.values(value));
}

/** @throws UserError if keys do not match the model's layers */
function inOrder(path: string, model: ModelSpec, keys: readonly string[], rows: readonly (readonly number[])[]): Float64Array {
  const blocks = expertBlocks(model);
  if (keys.length !== blocks.length) throw modelMisfit(path, `has ${keys.length} layers`, model);
  const byBlock = new Map(keys.map((key, i) => [Number(KEY.exec(key)?.[1] ?? -1), rows[i] ?? []]));
  if (blocks.some((block) => !byBlock.has(block))) throw modelMisfit(path, `has the layers ${[...byBlock.keys()].join(', ')}`, model);
  return demandFrom(
    model,
    blocks.map((block) => byBlock.get(block)!),
    path,
  );
}

function packed({ demand, fingerprint, model }: Placed): Uint8Array {
  const { experts } = model.layers[0]!;
  if (model.layers.some((layer) => layer.experts !== experts))
    throw new UserError('exllamav3: layers have unlike numbers of experts, which no tensor holds; write .json');
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
  const ranking = model.layers.flatMap((_, l) => mostPopular(Float64Array.from(layerDemand(model, demand, l))));
  return joined([head, new Uint8Array(new BigInt64Array([...ranking, ...wholeCounts(model, demand)].map(BigInt)).buffer)]);
}

/** Header entries and data bytes. @throws UserError */
const headerOf = ({ bytes, path }: Pick<ProfileFile, 'bytes' | 'path'>): ReturnType<typeof safetensorsHeader> =>
  safetensorsHeader({ path, bytes: bytes.length, part: (from, length) => bytes.subarray(from, from + length) });

/** Empty for another file. */
function metadataIn(file: Pick<ProfileFile, 'bytes' | 'path'>): Record<string, unknown> {
  const header = looksLikeSafetensors(file.bytes) ? orUserError(() => headerOf(file)) : null;
  const metadata = header === null || header instanceof UserError ? null : ownValue(header.entries, '__metadata__');
  return isObject(metadata) ? metadata : {};
}

/** Counts, or numbers in the order of a ranking. */
function unpacked(file: ProfileFile, model: ModelSpec): Float64Array {
  const { path } = file;
  const keys = checkValue(parseJson(bytesOf(String(metadataIn(file).layer_keys)), path), `${path}: layer_keys`, z.array(z.string()));
  const rows = rowsIn(file, 'counts', model) ?? rowsIn(file, 'ranking', model)?.map((row) => placesIn(row, path));
  if (rows === undefined) throw new UserError(`${path}: has no counts or ranking; take a profile of exllamav3`);
  return inOrder(path, model, keys, checkValue(rows, path, z.array(countList)));
}

/** Highest number for the first of a ranking. @throws UserError for a missing expert */
function placesIn(ranking: readonly number[], path: string): number[] {
  const places = ranking.map(() => 0);
  for (const [at, expert] of ranking.entries()) if (places[expert] === 0) places[expert] = ranking.length - at;
  if (places.includes(0)) throw new UserError(`${path}: ranking: does not name each expert once`);
  return places;
}

/** Int64 matrix. @returns null: no such tensor @throws UserError, also for sizes unlike the model's */
function rowsIn(file: ProfileFile, name: string, model: ModelSpec): number[][] | null {
  const { dataBytes, entries } = headerOf(file);
  const tensor = ownValue(entries, name);
  if (tensor === undefined) return null;
  const place = `${file.path}: ${name}`;
  const [from, to] = dataOffsets(place, ownValue(tensor, 'data_offsets'), dataBytes);
  const [layers = 0, experts = 0] = (ownValue(tensor, 'shape') ?? []) as number[];
  if (
    ownValue(tensor, 'dtype') !== 'I64' ||
    !isCount(layers) ||
    !isCount(experts) ||
    experts === 0 ||
    to - from !== layers * experts * WORD
  )
    throw new UserError(`${place}: is no matrix of int64; was it damaged?`);
  if (layers !== model.layers.length || experts !== model.layers[0]!.experts)
    throw modelMisfit(place, `has ${layers} layers of ${experts} experts`, model);
  const data = viewOf(file.bytes.subarray(file.bytes.length - dataBytes + from));
  const at = (l: number, e: number): number => Number(data.getBigInt64((l * experts + e) * WORD, true));
  return Array.from({ length: layers }, (_, l) => Array.from({ length: experts }, (_, e) => at(l, e)));
}
