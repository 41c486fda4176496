// The expert cache of thecodacus' llama.cpp and its heirs: a row for every time that an expert was chosen, by the numbers of llama.cpp's blocks.
import { expertBlocks, type ProfileFormat, wholeCounts } from './format.js';
import { tabled } from './rows.js';

/** Rows of a layer, about: what the engine takes from it is their order. Ours: a model of 48 layers then takes 1 MiB. */
const ROWS = 4096;

/** File of `--moe-cache-profile`. */
export const codacus: ProfileFormat = {
  name: 'codacus',
  summary: 'CSV of layer,expert: a row for every choice, the more the hotter',
  cites: 'thecodacus/llama.cpp pull request 5 of 2026-07-24 (moe-trace of llama.cpp pull request 28544), read 2026-12-01; a fork',
  holds: 'demand',
  even: true,
  runtime: 'llama.cpp',
  extensions: ['.csv'],
  keeps: () => false,
  use: (path, { slots }) => `-ngl 99 -ncmoe 99 --moe-cache-profile ${path} --moe-cache-slots ${slots[0]}`,
  write({ demand, model, resident }) {
    const counts = wholeCounts(model, demand, ROWS);
    const blocks = expertBlocks(model);
    // One row more for those that stay, so that rounding makes no other as hot as they are.
    const rows = (l: number, expert: number, id: number) => `${blocks[l]},${expert}\n`.repeat(counts[id]! + resident[id]!);
    return model.layers
      .map(({ experts, offset }, l) => Array.from({ length: experts }, (_, e) => rows(l, e, offset + e)).join(''))
      .join('');
  },
  detect: ({ text }) => /^(layer,expert\r?\n)?\d+,\d+\r?(\n\d+,\d+\r?|\n)/.test(text),
  read: (file, model) => ({ kind: 'demand', demand: tabled(file, model, ',', ['layer', 'expert']) }),
};
