// The bundled rows of machines: each stands once, names its source, and what nobody stated.
import { describe, expect, it } from 'vitest';
import { findProfile } from '../../../src/base/profiles.js';
import { readMeasurements } from '../../../src/measured/validate/rows/measurement.js';
import { runtimeOf } from '../../../src/measured/validate/rows/specify.js';

const files = new Map(['open', 'unified', 'second'].map((name) => [name, readMeasurements(findProfile('measurements', name))]));
const rows = files.get('second')!;

describe('bundled rows', () => {
  it('stand once, and a machine is in one file', () => {
    const all = [...files.values()].flat();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const known = new Set(['open', 'unified'].flatMap((name) => files.get(name)!.map(({ machine }) => machine.name)));
    expect(rows.filter(({ machine }) => known.has(machine.name))).toEqual([]);
  });

  it('name their source, and what nobody stated', () => {
    expect(rows.length).toBeGreaterThan(0);
    for (const { guessed, source } of rows) {
      expect(source).toMatch(/\S/);
      expect(Array.isArray(guessed)).toBe(true);
    }
  });

  it('may name the backend of llama.cpp that their card alone does not tell', () => {
    const of = (id: string) => runtimeOf(rows.find((row) => row.id === id)!);
    expect(of('evo-x2-395-qwen3-01')).toBe('llama.cpp-vulkan');
    expect(of('evo-x2-395-qwen3-02')).toBe('llama.cpp-rocm');
    expect(of('m2-ultra-gptoss-01')).toBe('llama.cpp-metal');
  });
});
