// What is kept of a request between passes: the state of a position, and the way back where tokens of the last pass did not stand.
import { expect, it } from 'vitest';
import { KeptStates } from '../../../../src/predict/onnx/sequence/kept-states.js';

const ids = (...values: number[]): number[] => values;

/** Slot 0, request 7: three tokens, then two; states are named by the tokens that they have seen. */
function kept(): KeptStates {
  const states = new KeptStates(1);
  states.keep(0, 7, 0, states.at(0, 7, 0), ids(10, 11, 12), Float32Array.of(3));
  states.keep(0, 7, 3, states.at(0, 7, 3), ids(13, 14), Float32Array.of(5));
  return states;
}

it('a request begins with zeros, and goes on with what its last pass left', () => {
  const states = new KeptStates(1);
  expect(states.at(0, 7, 0)).toEqual({ state: Float32Array.of(0), missed: [] });
  states.keep(0, 7, 0, states.at(0, 7, 0), ids(10, 11, 12), Float32Array.of(3));
  expect(states.at(0, 7, 3)).toEqual({ state: Float32Array.of(3), missed: [] });
});

it('tokens of the last pass that were rejected, or run again, are taken back: those that stand are read anew', () => {
  expect(kept().at(0, 7, 4)).toEqual({ state: Float32Array.of(3), missed: [13] });
  expect(kept().at(0, 7, 3)).toEqual({ state: Float32Array.of(3), missed: [] });
  expect(kept().at(0, 7, 5)).toEqual({ state: Float32Array.of(5), missed: [] });
});

it('what was read anew may be taken back as well', () => {
  const states = kept();
  states.keep(0, 7, 4, states.at(0, 7, 4), ids(24, 25), Float32Array.of(6));
  expect(states.at(0, 7, 5)).toEqual({ state: Float32Array.of(3), missed: [13, 24] });
  expect(states.at(0, 7, 6)).toEqual({ state: Float32Array.of(6), missed: [] });
});

it('another request in the slot, a restart and an unknown position begin with zeros', () => {
  for (const [request, position] of [
    [8, 5],
    [7, 0],
    [7, 2],
    [7, 6],
  ] as const) {
    expect(kept().at(0, request, position)).toEqual({ state: Float32Array.of(0), missed: [] });
  }
  expect(kept().at(1, 7, 5)).toEqual({ state: Float32Array.of(0), missed: [] });
});
