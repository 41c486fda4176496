// Facts of ONNX files, read without reading their graphs.
import { expect, it } from 'vitest';
import { onnxMetadata } from '../../../src/predict/onnx/predictor/onnx.js';
import { encodeModel } from '../../../src/predict/onnx/writer.js';
import { temporaryModel } from '../../fixtures/onnx/models.js';

it('facts come back as they were written, behind a graph of any size', () => {
  const metadata = { 'moeprof.products': '640', empty: '', für: 'sechs 6' };
  const data = new Float32Array(40_000);
  const initializers = [{ name: 'w', shape: [data.length], data }];
  const path = temporaryModel(encodeModel({ name: 'test', nodes: [], initializers, inputs: [], outputs: [], metadata }));
  expect(Object.fromEntries(onnxMetadata(path))).toEqual(metadata);
});

it('a file that is something else, or ends early, has none; one of endless small parts is given up', () => {
  expect(onnxMetadata(temporaryModel('')).size).toBe(0);
  expect(onnxMetadata(temporaryModel('not a model at all')).size).toBe(0);
  expect(onnxMetadata(temporaryModel(Uint8Array.of(0x72, 0x7f, 1, 2))).size).toBe(0); // a fact of 127 bytes, of which 2 are there
  expect(onnxMetadata(temporaryModel(new Uint8Array(200_000))).size).toBe(0);
});
