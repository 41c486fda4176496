// Placements of the minis by `moeprof place --for llama.cpp`, loaded by llama.cpp itself: bytes of weights on card and host beside those that moeprof
// allocates for the same rule. LAB_MINI names GGUF files, as for recorder.mjs.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ended } from './engine.mjs';
import { bytesOf } from './memory.mjs';
import { inFolder, minis } from './minis.mjs';
import { recorded } from './recorder.mjs';

const MOEPROF = fileURLToPath(new URL('../../bin/moeprof.js', import.meta.url));
const SPLITS = ['first-layers', 'last-layers', 'flat-layers'];

/** Plans of each model: a split, and experts that the card has room for, drawn with a seed. */
const PLANS = 9;

/** @returns rows {model, split, slots, rule, engine, moeprof}, the last two in bytes by device, cards first; null: no model is named */
export function placed(engine, moeprof) {
  return minis === null ? null : inFolder((folder) => planned(engine, moeprof, folder));
}

async function planned(engine, moeprof, folder) {
  const rows = [];
  for (const path of minis) {
    const trace = await recorded(path, folder);
    const model = moeprof.loadModel(path);
    for (let at = 0; at < PLANS; at++) {
      // A walk by the golden ratio: budgets lie evenly, whatever their number.
      const slots = `${5 + Math.round(90 * ((at * 0.618034) % 1))}%`;
      const [split, file] = [SPLITS[at % SPLITS.length], join(folder, `${at}.txt`)];
      const words = ['place', '-t', trace, '-m', path, '--for', 'llama.cpp', '--split', split, '--slots', slots, '-o', file];
      const { code, stderr } = await ended(process.execPath, [MOEPROF, ...words]);
      if (code !== 0) throw new Error(`moeprof place ended with ${code}: ${stderr.trim()}`);
      const line = readFileSync(file, 'utf8')
        .replace(/^#.*\n/gm, '')
        .trim();
      const rule = /-ot (\S+)=CPU/.exec(line)?.[1] ?? null;
      const plan = {
        ...{ engine: 'llama.cpp', gpus: 1, gpuLayers: Number.POSITIVE_INFINITY, cpuMoeLayers: 0, context: 2048, parallel: 1, outputs: 1 },
        ...{ batch: 2048, ubatch: 512, kv: { k: 'f16', v: 'f16' }, flashAttention: true, mla: 3 },
        overrides: rule === null ? [] : [{ pattern: rule, device: 'cpu' }],
      };
      const theirs = await bytesOf(engine, ['-m', path, ...line.split(' '), '-c', '2048', '-np', '1', '-fa', 'on'], 1);
      const ours = moeprof.allocate(model, plan).devices;
      rows.push({
        model: basename(path, '.gguf'),
        split,
        slots,
        rule,
        engine: theirs.map(({ weights }) => weights),
        moeprof: ours.map(({ weights }) => weights),
      });
    }
  }
  return rows;
}

/** Lines of bench/lab/results.md. */
export function placedLines(result) {
  const met = result.filter(({ engine, moeprof }) => engine.every((bytes, at) => Math.abs(bytes - moeprof[at]) < 1));
  return [
    '## Placements',
    '',
    '`moeprof place --for llama.cpp` on routing that was recorded from the minis, splits of whole layers, budgets between 5 and 95 % of the experts: weights',
    `on card and host as llama.cpp loads the file, beside those that moeprof allocates. Equal to the byte: ${met.length} of ${result.length}.`,
  ];
}
