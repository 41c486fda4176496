// The bundled traces are whole, canonical and what their README says.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openTrace } from '../../src/trace/open/open.js';
import { contentOf } from './builders.js';

const folder = fileURLToPath(new URL('../../profiles/traces/', import.meta.url));

describe('bundled traces', () => {
  it.each([
    ['mini-mixtral-8x8l', { tokens: 10_534, layers: 8, experts: 8, topK: 2, requests: 45 }],
    ['mini-finegrained-64x12l', { tokens: 7_172, layers: 12, experts: 64, topK: 6, requests: 30 }],
  ])('%s', async (name, shape) => {
    const trace = await openTrace(`${folder}${name}.safetensors`);
    const { tokens, layers, topK, expertsPerLayer, requests, has } = contentOf(trace);
    expect({ tokens, layers, experts: expertsPerLayer[0], topK, requests: requests.length }).toEqual(shape);
    expect(has).toEqual({ phases: true, weights: false, tokenIds: true, predictedK: 0 });
    expect(requests.every(({ prefill, decode }) => prefill > 0 && decode > 0)).toBe(true);
    expect(trace.meta.model).toBe(name);
    expect(trace.meta.synthetic).toBe(false);
    trace.close();
  });

  it('stay small', () => {
    const bytes = ['mini-mixtral-8x8l', 'mini-finegrained-64x12l'].map((name) => statSync(`${folder}${name}.safetensors`).size);
    expect(bytes[0]! + bytes[1]!).toBeLessThan(1.1e6);
  });
});
