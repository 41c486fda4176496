import { UserError } from '../../base/errors.js';
import { POSIX, pasted } from '../../base/shell.js';
import { decoderLayers, type ModelSpec } from '../../model/door.js';
import { expertBlocks, firstLine, modelMisfit, type ProfileFile, type ProfileFormat, textLines, wholeCounts } from './format.js';

/** @param head column names, an optional first line @throws UserError for a malformed line or a layer without rows */
function tabled({ path, text }: ProfileFile, model: ModelSpec, columns: RegExp, head: string): Float64Array {
  const layerOf = new Map(expertBlocks(model).map((block, l) => [block, l]));
  const demand = new Float64Array(model.experts);
  let line = 0;
  for (const row of textLines(text)) {
    line++;
    // Negative layers hold engine facts; the first of colibri's holds the model's sizes.
    const [, layers, experts] = /^-1 (\d+) (\d+)\r?$/.exec(row) ?? [];
    if (layers !== undefined && Number(experts) !== model.layers[0]!.experts)
      throw new UserError(
        `${path}:${line}: ${experts} experts a layer, and ${model.name} has ${model.layers[0]!.experts}; take its own profile`,
      );
    if (/^-\d+ /.test(row) || row.trim() === '' || (line === 1 && row.trim() === head)) continue;
    const [, block, expert, count = '1'] = columns.exec(row) ?? [];
    if (block === undefined) throw new UserError(`${path}:${line}: not ${head}`);
    const layer = model.layers[layerOf.get(Number(block)) ?? -1];
    if (layer === undefined) throw new UserError(`${path}:${line}: layer ${block} of ${model.name} has no experts; take its own profile`);
    if (Number(expert) >= layer.experts)
      throw new UserError(`${path}:${line}: expert ${expert}, and a layer of ${model.name} has ${layer.experts}; take its own profile`);
    demand[layer.offset + Number(expert)]! += Number(count);
  }
  const lacks = model.layers.filter(({ experts, offset }) =>
    demand.subarray(offset, offset + experts).every((count) => count === 0),
  ).length;
  if (lacks > 0) throw modelMisfit(path, `has no row of ${lacks} layers`, model);
  return demand;
}

/** Approximate rows of a layer; the engine uses only their order. Ours: 1 MiB for 48 layers. */
const ROWS = 4096;

/** CSV for `--moe-cache-profile` of a llama.cpp fork. */
export const codacus: ProfileFormat = {
  name: 'codacus',
  summary: 'CSV of layer,expert: a row for every choice, the more the hotter',
  cites: 'thecodacus/llama.cpp pull request 5 of 2026-07-24 (moe-trace of llama.cpp pull request 28544), read 2026-12-01; a fork',
  holds: 'demand',
  even: true,
  runtime: 'llama.cpp',
  extensions: ['.csv'],
  keeps: () => false,
  use: (path, { slots }) => `-ngl 99 -ncmoe 99 --moe-cache-profile ${pasted(path)} --moe-cache-slots ${slots[0]}`,
  write({ demand, model, resident }) {
    const counts = wholeCounts(model, demand, ROWS);
    const blocks = expertBlocks(model);
    // An extra row for residents: rounding makes no other expert equally hot.
    const rows = (l: number, expert: number, id: number) => `${blocks[l]},${expert}\n`.repeat(counts[id]! + resident[id]!);
    return model.layers
      .map(({ experts, offset }, l) => Array.from({ length: experts }, (_, e) => rows(l, e, offset + e)).join(''))
      .join('');
  },
  detect: ({ text }) => /^(layer,expert\r?\n)?\d+,\d+\r?(\n\d+,\d+\r?|\n)/.test(text),
  read: (file, model) => ({ kind: 'demand', demand: tabled(file, model, /^(\d{1,9}),(\d{1,9})\r?$/, 'layer,expert') }),
};

/** colibri's `.coli_usage` next to a model. */
export const colibriHistory: ProfileFormat = {
  name: 'colibri',
  summary: 'lines of layer, expert and count, behind the sizes of the model',
  cites: 'colibri, c/route_trace.h and issue 700, read 2026-12-01',
  holds: 'demand',
  extensions: ['.coli_usage', '.txt'],
  keeps: () => false,
  use: (path, { model, slots }) =>
    `PIN=${POSIX.quoted(path)} PIN_GB=${Math.floor(model.layers.reduce((sum, { expertBytes }, l) => sum + slots[l]! * expertBytes, 0) / 1e9)}`,
  write({ demand, model }) {
    const counts = wholeCounts(model, demand);
    const blocks = expertBlocks(model);
    const lines = model.layers.flatMap(({ experts, offset }, l) =>
      Array.from({ length: experts }, (_, e) => (counts[offset + e]! > 0 ? `${blocks[l]} ${e} ${counts[offset + e]}\n` : '')),
    );
    return `-1 ${decoderLayers(model)} ${model.layers[0]!.experts}\n${lines.join('')}`;
  },
  detect: ({ text }) => /^\d+ \d+ \d+\r?$/.test(firstLine(text, /^-\d+ \d+ \d+\r?$/)),
  read: (file, model) => ({ kind: 'demand', demand: tabled(file, model, /^(\d{1,9}) (\d{1,9}) (\d{1,15})\r?$/, 'layer expert count') }),
};
