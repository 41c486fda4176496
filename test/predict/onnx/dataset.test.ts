// Training data against the run: the histories rebuilt for training must be those that a predictor sees.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdOut, PathDataset } from '../../../src/predict/onnx/dataset.js';
import { PathFeatures } from '../../../src/predict/onnx/features.js';
import { cases } from '../../cases.js';
import { passesOf } from '../running.js';
import { model, topicTrace } from './routing.js';

describe('PathDataset', () => {
  it('rebuilds before any row the histories that a run has there, across snapshots and requests', () => {
    const trace = topicTrace(3, 90, 1);
    const dataset = new PathDataset(trace, model);
    const features = new PathFeatures(model, 1);
    const { experts } = model;
    const fast = new Float32Array(experts);
    const slow = new Float32Array(experts);
    const seenFast = new Float32Array(2 * experts);
    const seenSlow = new Float32Array(2 * experts);
    let row = 0;
    for (const pass of passesOf(trace)) {
      features.history(pass, false, fast);
      features.history(pass, true, slow);
      dataset.history(row, seenFast, seenSlow, experts);
      for (let id = 0; id < experts; id++) {
        expect(seenFast[experts + id]).toBeCloseTo(fast[id]!, 5);
        expect(seenSlow[experts + id]).toBeCloseTo(slow[id]!, 4);
      }
      features.record(pass);
      row++;
    }
    expect(row).toBe(270);
  });

  it('gives paths by layer, without null choices, and how often each expert is used', () => {
    const trace = topicTrace(1, 4, 2, 0);
    const dataset = new PathDataset(trace, model);
    const whole = new Float32Array(model.experts);
    dataset.path(0, 0, 3, whole, 0);
    expect(whole.reduce((sum, value) => sum + value, 0)).toBe(5); // top-k 2 + 2 + 1
    const last = new Float32Array(model.experts);
    dataset.path(0, 2, 3, last, 0);
    expect(Array.from(last.subarray(0, 14)).every((value) => value === 0)).toBe(true);
    expect(Array.from(last.subarray(14))).toEqual(Array.from(whole.subarray(14)));
    const share = dataset.frequency(Int32Array.of(0, 1, 2, 3));
    expect(share.reduce((sum, value) => sum + value, 0)).toBeCloseTo(5, 10);
  });
});

describe('holdOut', () => {
  const requests = (lengths: readonly number[]) => {
    let start = 0;
    return lengths.map((decode, id) => {
      const request = { id, start, prefill: 0, decode };
      start += decode;
      return request;
    });
  };
  const draws = (seed: number): (() => number) => {
    let state = seed;
    return () => {
      state = (state * 16807) % 2147483647;
      return state / 2147483647;
    };
  };

  it('takes the end of each request where there are few', () => {
    const { held, learn } = holdOut(requests([10, 20]), 0.1, draws(1));
    expect(Array.from(held)).toEqual([9, 28, 29]);
    expect(learn.length).toBe(27);
  });

  it('else takes whole requests, at least the share asked for, and loses no row', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 1, max: 99 }),
        (lengths, seed) => {
          const all = requests(lengths);
          const rows = lengths.reduce((sum, length) => sum + length, 0);
          const { held, learn } = holdOut(all, 0.2, draws(seed));
          assert.deepEqual(
            Array.from([...held, ...learn]).sort((a, b) => a - b),
            Array.from({ length: rows }, (_, row) => row),
          );
          assert.ok(held.length >= 0.2 * rows);
          for (const { decode, start } of all) {
            const inside = held.filter((row) => row >= start && row < start + decode).length;
            assert.ok(inside === 0 || inside === decode);
          }
        },
      ),
      { seed: 5, numRuns: cases(60) },
    );
  });
});
