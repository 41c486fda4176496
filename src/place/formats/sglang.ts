import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { pasted } from '../../base/shell.js';
import { decoderLayers, type ModelSpec } from '../../model/door.js';
import {
  checkedHomes,
  countList,
  demandFrom,
  expertBlocks,
  expertList,
  fingerprintField,
  type Homes,
  jsonAs,
  layerDemand,
  MOST_GPUS,
  modelMisfit,
  type ProfileFile,
  type ProfileFormat,
  wholeCounts,
} from './format.js';

/** `--init-expert-location` of SGLang and KTransformers: counts by layer, or experts by physical slot. */
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
      ? `--init-expert-location ${pasted(path)} --kt-num-gpu-experts ${slots[0]}`
      : `--init-expert-location ${pasted(path)} --ep-size ${homes[0]!.length} --ep-num-redundant-experts ${homes[0]!.flat().length - model.layers[0]!.experts}`,
  write({ demand, fingerprint, homes, model }) {
    const counts = wholeCounts(model, demand);
    const rows = homes === null ? model.layers.map((_, l) => layerDemand(model, counts, l)) : homes.map((gpus) => gpus.flat());
    // The engine also counts layers without experts: filler rows.
    const blocks = expertBlocks(model);
    const filler = homes === null ? rows[0]!.map(() => 0) : rows[0]!.map((_, slot) => slot % model.layers[0]!.experts);
    const all = Array.from({ length: decoderLayers(model) }, (_, block) => rows[blocks.indexOf(block)] ?? filler);
    const field = homes === null ? 'logical_count' : 'physical_to_logical_map';
    return `{"${field}": [\n${all.map((row) => `[${row.join(',')}]`).join(',\n')}\n],\n"gpus": ${homes === null ? 1 : homes[0]!.length},\n"moeprof": ${JSON.stringify(fingerprint)}}\n`;
  },
  detect: ({ text }) => /^\s*\{/.test(text) && /"(logical_count|physical_to_logical_map)"\s*:/.test(text),
  read(file, model) {
    const { gpus, logical_count: counts, physical_to_logical_map: slots } = jsonAs(file, locationSchema);
    if (slots !== undefined) return { kind: 'homes', homes: dealt(model, ofMoe(model, slots, file), gpus, file.path) };
    if (counts === undefined) throw new UserError(`${file.path}: has neither logical_count nor physical_to_logical_map`);
    return { kind: 'demand', demand: summed(model, counts, file) };
  },
  fingerprint: fingerprintField,
};

const rowList = z.array(countList);
const locationSchema = z.object({
  gpus: z.int().positive().max(MOST_GPUS).default(1),
  logical_count: z.union([rowList, z.array(rowList)]).optional(),
  physical_to_logical_map: z.array(expertList).optional(),
});

/** Sum over steps. @throws UserError for a step unlike the model's sizes */
function summed(model: ModelSpec, counts: readonly number[][] | readonly number[][][], file: ProfileFile): Float64Array {
  const steps = Array.isArray(counts[0]?.[0]) ? (counts as number[][][]) : [counts as number[][]];
  const demand = new Float64Array(model.experts);
  for (const step of steps)
    for (const [id, count] of demandFrom(model, ofMoe(model, step, file), file.path).entries()) demand[id]! += count;
  return demand;
}

function ofMoe(model: ModelSpec, rows: readonly number[][], { path }: ProfileFile): number[][] {
  if (rows.length === model.layers.length) return [...rows];
  if (rows.length !== decoderLayers(model)) throw modelMisfit(path, `has ${rows.length} layers`, model);
  return expertBlocks(model).map((block) => rows[block]!);
}

/** Splits physical slots evenly among GPUs. @throws UserError for a remainder */
export function dealt(model: ModelSpec, rows: readonly number[][], gpus: number, path: string): Homes {
  const homes = rows.map((row, l) => {
    const share = row.length / gpus;
    if (!Number.isInteger(share)) throw new UserError(`${path}: layer ${l}: ${row.length} slots do not divide among ${gpus} GPUs`);
    return gpus === 1 ? [row] : Array.from({ length: gpus }, (_, gpu) => row.slice(gpu * share, (gpu + 1) * share));
  });
  return checkedHomes(model, homes, path);
}
