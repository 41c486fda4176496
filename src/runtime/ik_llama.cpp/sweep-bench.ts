// llama-sweep-bench of ik_llama.cpp: a table of prompt and decode speed by context.

import { settingsOfLog } from '../llama.cpp/llama-log.js';
import { definedFields, demandCells, linesOf, printedSpeed, wholeOf } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';

const HEAD = /^\|\s*PP\s*\|\s*TG\s*\|\s*N_KV\s*\|/;
const COLUMNS = 7;

/** The table of llama-sweep-bench. */
export const sweepBench: TimingFormat = {
  recognizes: (text) => text.split('\n').some((line) => HEAD.test(line.trim())),
  read: (text, path) => {
    const settings = settingsOfLog(text);
    let inTable = false;
    const found: PrintedTiming[] = [];
    for (const { place, text: line } of linesOf(text, path)) {
      const trimmed = line.trim();
      if (HEAD.test(trimmed)) inTable = true;
      if (!inTable || !/^\|\s*\d/.test(trimmed)) continue;
      const cells = trimmed.split('|').slice(1, -1);
      demandCells(cells, COLUMNS, place);
      const [prompt, generated, depth, , prefill, , decode] = cells as [string, string, string, string, string, string, string];
      found.push({
        ...settings,
        place,
        prefill: printedSpeed(prefill, place, 'S_PP t/s'),
        decode: printedSpeed(decode, place, 'S_TG t/s'),
        ...definedFields({
          promptTokens: wholeOf(prompt.trim()),
          generatedTokens: wholeOf(generated.trim()),
          depth: wholeOf(depth.trim()),
        }),
      });
    }
    return found;
  },
};
