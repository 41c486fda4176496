// colibri: its history of uses, a line for each expert, by which it pins experts of all layers together.
import { decoderLayers } from '../../model/door.js';
import { expertBlocks, type ProfileFormat, wholeCounts } from './format.js';
import { tabled } from './rows.js';

/** `.coli_usage` beside a model. */
export const colibriHistory: ProfileFormat = {
  name: 'colibri',
  summary: 'lines of layer, expert and count, behind the sizes of the model',
  cites: 'colibri, c/route_trace.h and issue 700, read 2026-12-01',
  holds: 'demand',
  extensions: ['.coli_usage', '.txt'],
  keeps: () => false,
  use: (path, { model, slots }) =>
    `PIN=${path} PIN_GB=${Math.floor(model.layers.reduce((sum, { expertBytes }, l) => sum + slots[l]! * expertBytes, 0) / 1e9)}`,
  write({ demand, model }) {
    const counts = wholeCounts(model, demand);
    const blocks = expertBlocks(model);
    const lines = model.layers.flatMap(({ experts, offset }, l) =>
      Array.from({ length: experts }, (_, e) => (counts[offset + e]! > 0 ? `${blocks[l]} ${e} ${counts[offset + e]}\n` : '')),
    );
    return `-1 ${decoderLayers(model)} ${model.layers[0]!.experts}\n${lines.join('')}`;
  },
  detect: ({ text }) => /^(-\d+ \d+ \d+\r?\n)*\d+ \d+ \d+\r?(\n|$)/.test(text),
  read: (file, model) => ({ kind: 'demand', demand: tabled(file, model, ' ', ['layer', 'expert', 'count']) }),
};
