// SGLang and KTransformers: counts by layer, from which the engine balances GPUs itself, or the expert of each physical slot.

import { UserError } from '../../base/errors.js';
import { ownValue } from '../../base/objects.js';
import { decoderLayers, type ModelSpec } from '../../model/door.js';
import {
  checkedHomes,
  demandFrom,
  expertBlocks,
  fingerprintField,
  jsonOf,
  layerDemand,
  modelMisfit,
  type ProfileFile,
  type ProfileFormat,
  wholeCounts,
} from './format.js';

/** File of `--init-expert-location`. */
export const sglang: ProfileFormat = {
  name: 'sglang',
  summary: 'logical_count, or with --gpus physical_to_logical_map, for every layer of the model',
  cites: 'SGLang, python/sglang/srt/eplb/expert_location.py at 01fec5c, read 2026-12-01',
  holds: 'demand',
  even: true,
  runtime: 'sglang-kt',
  extensions: ['.json'],
  keeps: () => true,
  use: (path, { homes, model, slots }) =>
    homes === null
      ? `--init-expert-location ${path} --kt-num-gpu-experts ${slots[0]}`
      : `--init-expert-location ${path} --ep-size ${homes[0]!.length} --ep-num-redundant-experts ${homes[0]!.flat().length - model.layers[0]!.experts}`,
  write({ demand, fingerprint, homes, model }) {
    const counts = wholeCounts(model, demand);
    const rows = homes === null ? model.layers.map((_, l) => layerDemand(model, counts, l)) : homes.map((gpus) => gpus.flat());
    // Rows of layers without experts stand for themselves: the engine counts them, too.
    const blocks = expertBlocks(model);
    const filler = homes === null ? rows[0]!.map(() => 0) : rows[0]!.map((_, slot) => slot % model.layers[0]!.experts);
    const all = Array.from({ length: decoderLayers(model) }, (_, block) => rows[blocks.indexOf(block)] ?? filler);
    const field = homes === null ? 'logical_count' : 'physical_to_logical_map';
    return `{"${field}": [\n${all.map((row) => `[${row.join(',')}]`).join(',\n')}\n],\n"gpus": ${homes === null ? 1 : homes[0]!.length},\n"moeprof": ${JSON.stringify(fingerprint)}}\n`;
  },
  detect: ({ text }) => /^\s*\{/.test(text) && /"(logical_count|physical_to_logical_map)"\s*:/.test(text),
  read(file, model) {
    const value = jsonOf(file);
    const slots = ownValue(value, 'physical_to_logical_map');
    if (slots === undefined) return { kind: 'demand', demand: demandFrom(model, ofMoe(model, summed(value, file), file), file.path) };
    const gpus = ownValue(value, 'gpus') ?? 1;
    return { kind: 'homes', homes: dealt(model, ofMoe(model, slots, file), gpus, file.path) };
  },
  fingerprint: fingerprintField,
};

/** Counts of all steps together, where they are apart. */
function summed(value: unknown, { path }: ProfileFile): unknown {
  const counts = ownValue(value, 'logical_count');
  if (!Array.isArray(counts)) throw new UserError(`${path}: has neither logical_count nor physical_to_logical_map`);
  const [first] = counts as unknown[];
  if (!Array.isArray(first) || !Array.isArray(first[0])) return counts;
  const steps = counts as unknown[][][];
  return first.map((row: unknown[], l) => row.map((_, e) => steps.reduce((sum, step) => sum + Number(step?.[l]?.[e]), 0)));
}

/** Rows of the layers with experts; a file may have rows for all layers. */
function ofMoe(model: ModelSpec, rows: unknown, { path }: ProfileFile): unknown[] {
  if (!Array.isArray(rows)) throw new UserError(`${path}: no list with a row for each layer`);
  if (rows.length === model.layers.length) return rows;
  if (rows.length !== decoderLayers(model)) throw modelMisfit(path, `has ${rows.length} layers`, model);
  return expertBlocks(model).map((block) => rows[block] as unknown);
}

/** Physical slots as experts of each GPU: as many neighbours each. @throws UserError where they do not divide evenly */
export function dealt(model: ModelSpec, rows: readonly unknown[], gpus: unknown, path: string): (readonly (readonly number[])[])[] {
  const homes = rows.map((row, l) => {
    if (!Array.isArray(row) || typeof gpus !== 'number' || !(gpus >= 1) || row.length === 0 || row.length % gpus !== 0)
      throw new UserError(`${path}: layer ${l}: no list of slots that ${String(gpus).slice(0, 20)} GPUs share evenly`);
    const share = row.length / gpus;
    return Array.from({ length: gpus }, (_, gpu) => row.slice(gpu * share, (gpu + 1) * share) as unknown[]);
  });
  return checkedHomes(model, homes, path);
}
