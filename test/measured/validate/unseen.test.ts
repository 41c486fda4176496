// Rows of machines that no constant has seen: nothing is fitted on them, and none of their machines is among those that constants know.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { readMeasurements } from '../../../src/measured/validate/rows/measurement.js';
import { runtimeOf } from '../../../src/measured/validate/rows/specify.js';
import { refuseFitOn, seenFiles, UNSEEN } from '../../../src/measured/validate/unseen.js';

const root = new URL('../../../', import.meta.url).pathname;
const rows = readMeasurements(findProfile('measurements', UNSEEN));
const seen = ['open', 'unified'].flatMap((name) => readMeasurements(findProfile('measurements', name)));

/** Sources under a folder that speak of the file. */
function speakingOf(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|mjs|ya?ml)$/.test(path))
    .filter((path) => /unseen\.js|'measurements', 'unseen'/.test(readFileSync(`${root}${folder}/${path}`, 'utf8')))
    .map((path) => `${folder}/${path}`)
    .sort();
}

describe('rows that no constant has seen', () => {
  it('are of other machines than those that constants were fitted on', () => {
    const known = new Set(seen.map(({ machine }) => machine.name));
    expect(rows.filter(({ machine }) => known.has(machine.name))).toEqual([]);
    expect(new Set([...seen, ...rows].map(({ id }) => id)).size).toBe(seen.length + rows.length);
  });

  it('name their source, and what nobody stated', () => {
    expect(rows.length).toBeGreaterThan(0);
    for (const { guessed, source } of rows) {
      expect(source).toMatch(/\S/);
      expect(Array.isArray(guessed)).toBe(true);
    }
  });

  it('are no rows that a fit reads: only validation knows the file', () => {
    expect(seenFiles()).toEqual(['memory', 'offload', 'open', 'unified']);
    expect(speakingOf('bench')).toEqual([]);
    expect(speakingOf('profiles')).toEqual([]);
    expect(speakingOf('src')).toEqual(['src/cli/validate.ts', 'src/measured/validate/words.ts']);
    const fitted = listProfiles('runtimes').flatMap((name) => loadRuntime(name).fitted?.on ?? []);
    expect(fitted.filter((on) => on.includes(UNSEEN))).toEqual([]);
  });

  it('are refused by a fit, by name and by path', () => {
    const refused = /^validate: nothing is fitted on unseen, whose machines no constant has seen; leave it or --fit out$/;
    for (const file of [UNSEEN, findProfile('measurements', UNSEEN)]) expect(() => refuseFitOn(['open', file])).toThrow(refused);
    for (const file of ['open', '-', '/nowhere/unseen.jsonl']) expect(() => refuseFitOn([file])).not.toThrow();
  });

  it('may name the backend of llama.cpp that their card alone does not tell', () => {
    const of = (id: string) => runtimeOf(rows.find((row) => row.id === id)!);
    expect(of('evo-x2-395-qwen3-01')).toBe('llama.cpp-vulkan');
    expect(of('evo-x2-395-qwen3-02')).toBe('llama.cpp-rocm');
    expect(of('m2-ultra-gptoss-01')).toBe('llama.cpp-metal');
  });
});
