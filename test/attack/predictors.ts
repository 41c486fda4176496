// Files that predictors are trained into and run from, for the fuzz test: sound ones, and what reads them.
import { readFileSync } from 'node:fs';
import { Random } from '../../src/base/random.js';
import { openOnnx } from '../../src/predict/onnx/predictor/onnx.js';
import { echoModel, modelFile, node, rows } from '../fixtures/onnx/models.js';
import { model, topicTrace } from '../predict/onnx/routing.js';
import { passesOf } from '../predict/running.js';

/** Predictors under the contract. */
export function onnxFiles(): Record<string, Uint8Array> {
  const { experts } = model;
  const product = modelFile({
    nodes: [node('MatMul', ['history', 'weights'], ['logits'])],
    initializers: [{ name: 'weights', shape: [experts, experts], data: new Float32Array(experts * experts).fill(0.1) }],
    inputs: [rows('history', experts)],
    outputs: [rows('logits', experts)],
  });
  return { echo: readFileSync(echoModel('observed', experts)), product: readFileSync(product) };
}

const trace = topicTrace(1, 3, 1);

/** Loads a predictor and asks it for three tokens. @throws UserError where it is refused */
export async function runOnnx(path: string): Promise<void> {
  const context = { model, topK: 2, slots: 1, random: new Random(1, 'test'), training: [] };
  const predictor = await openOnnx(path, context);
  try {
    const scores = new Float32Array(model.experts);
    for (const pass of passesOf(trace)) {
      predictor.predict(pass, -1, 2, scores);
      predictor.predict(pass, 0, 2, scores);
    }
  } finally {
    predictor.close();
  }
}
