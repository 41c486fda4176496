// Bytes by the rule of a file type against the sizes that llama.cpp and ik_llama.cpp printed while loading real files, as people posted
// them (file-sizes.jsonl; ik-N is a thread of ikawrakow/ik_llama.cpp, gh-N a public file that quotes the log).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { percentile } from '../../src/base/statistics.js';
import { wholeFile } from '../../src/model/build.js';
import { openModel } from '../../src/model/load/load.js';
import { readLabel } from '../../src/model/quantization/label.js';

const ROWS = join(import.meta.dirname, 'file-sizes.jsonl');

/** Labels that are not what the file holds: mixtures by hand that kept the type of a few tensors, or of the file they were made from. */
const MISLABELLED = new Set([246.446, 314.197, 311.346, 228.948, 357.623]);

interface File {
  readonly model: string;
  readonly label: string;
  readonly gib: number;
}

/** Every file of the recordings once. */
function files(): File[] {
  const rows = readFileSync(ROWS, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { model: string; quant: string | null; file_gib: number | null });
  const named = rows.flatMap(({ model, quant, file_gib: gib }) => (quant === null || gib === null ? [] : [{ model, label: quant, gib }]));
  return [...new Map(named.map((file) => [`${file.model} ${file.label} ${file.gib}`, file])).values()];
}

const bytesOf = (model: string, quantization: string): number => wholeFile(openModel(model, quantization).parts).bytes;

/** Relative errors of files by their label alone, smallest first. */
const errorsOf = (some: readonly File[]): number[] =>
  some.map(({ model, label, gib }) => bytesOf(model, readLabel(label)!.name) / (gib * 2 ** 30) - 1).sort((a, b) => a - b);

const worst = (errors: readonly number[]): number => Math.max(...errors.map(Math.abs));

describe('sizes of files', () => {
  const all = files();
  const byHand = ({ label }: File): boolean => /^IQ\d_(K|KL|KS)\b|_R4\b|IQ\d_K/.test(label);

  it('are met by the rules of llama.cpp: median 0.003 %, worst 2.6 %', () => {
    const plain = all.filter((file) => !byHand(file) && !MISLABELLED.has(file.gib));
    const errors = errorsOf(plain);
    expect(plain.length).toBeGreaterThanOrEqual(13);
    expect(
      percentile(
        errors.map(Math.abs).sort((a, b) => a - b),
        50,
      ),
    ).toBeLessThan(3e-4);
    expect(worst(errors)).toBeLessThan(0.026);
  });

  it('are above the rules of ik_llama.cpp, since their owners mix by hand: 4 to 17 %', () => {
    const mixed = all.filter(byHand);
    const errors = errorsOf(mixed);
    expect(mixed.length).toBeGreaterThanOrEqual(9);
    expect(errors[0]).toBeGreaterThan(-0.17);
    expect(errors.at(-1)).toBeLessThan(-0.03);
  });

  it('are exact where a size is said', { timeout: 60_000 }, () => {
    for (const { model, label, gib } of all) {
      const bytes = Math.round(gib * 2 ** 30);
      const name = MISLABELLED.has(gib) ? 'mix' : readLabel(label)!.name;
      // Sizes are printed with three decimals at most; a file cannot be smaller than its rule's smallest mixture.
      expect(Math.abs(bytesOf(model, `${name}:size=${bytes}`) / bytes - 1), `${model} ${label}`).toBeLessThan(1e-4);
    }
  });
});
