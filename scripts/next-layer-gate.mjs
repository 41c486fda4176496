// Writes what the next layers' gates would say, if they were asked early, into a trace's `predicted` tensor: the upper reference for
// predictors that see hidden states. Needs the router's inputs and weights beside the trace; `--predictor gate` then judges and uses it.
//
//   node scripts/next-layer-gate.mjs TRACE ROUTER_INPUTS ROUTER_WEIGHTS OUT [EXPERTS_PER_LAYER] [DISTANCES]
//
// TRACE experts [T, L, K]; ROUTER_INPUTS hidden F16 [T', L, d], the normalised router inputs of the trace's first T' rows; ROUTER_WEIGHTS
// router F32 [L, E, d] and moe_norm_scale F32 [L, d]. OUT has the first T' rows. Prediction for layer l + d, d = 1, 2 ... DISTANCES (1 unless
// said): the best of (hidden[l] / scale[l] * scale[l + d]) . router[l + d]; the first d layers have none.
import { readFileSync, writeFileSync } from 'node:fs';

const [tracePath, inputsPath, weightsPath, outPath, perLayer, farthest] = process.argv.slice(2);
if (outPath === undefined) {
  console.error('usage: node scripts/next-layer-gate.mjs TRACE ROUTER_INPUTS ROUTER_WEIGHTS OUT [EXPERTS_PER_LAYER] [DISTANCES]');
  process.exitCode = 2;
} else {
  main();
}

function main() {
  const trace = open(tracePath);
  const inputs = open(inputsPath);
  const weights = open(weightsPath);
  const [rows, layers, width] = inputs.header.hidden.shape;
  const [, experts] = weights.header.router.shape;
  const topK = trace.header.experts.shape[2];
  const named = Number(perLayer ?? 2 * topK);
  const hidden = halves(inputs.bytes('hidden'));
  const router = floats(weights.bytes('router'));
  const scale = floats(weights.bytes('moe_norm_scale'));
  const distances = Array.from({ length: Number(farthest ?? 1) }, (_, i) => i + 1);
  const names = named * distances.length;
  const predicted = new Uint8Array(rows * layers * names).fill(0xff);
  const logits = new Float64Array(experts);
  const input = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    for (let layer = 0; layer < layers; layer++) {
      for (const [part, distance] of distances.entries()) {
        const target = layer + distance;
        if (target >= layers) continue;
        const from = (row * layers + layer) * width;
        for (let i = 0; i < width; i++) input[i] = (hidden[from + i] / scale[layer * width + i]) * scale[target * width + i];
        for (let e = 0; e < experts; e++) {
          const gate = (target * experts + e) * width;
          let sum = 0;
          for (let i = 0; i < width; i++) sum += input[i] * router[gate + i];
          logits[e] = sum;
        }
        const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
        predicted.set(order.slice(0, named), (row * layers + target) * names + part * named);
      }
    }
  }
  const tensors = { predicted: { dtype: 'U8', shape: [rows, layers, names], bytes: predicted } };
  for (const name of ['experts', 'weights', 'request_id', 'position', 'phase', 'token_id']) {
    const tensor = trace.header[name];
    if (tensor === undefined) continue;
    const bytes = trace.bytes(name);
    tensors[name] = {
      dtype: tensor.dtype,
      shape: [rows, ...tensor.shape.slice(1)],
      bytes: bytes.subarray(0, (bytes.length / tensor.shape[0]) * rows),
    };
  }
  save(outPath, tensors, {
    ...trace.header.__metadata__,
    predicted: "the next layers' gates on this layer's router input",
    predicted_ahead: JSON.stringify(distances),
    tokens: String(rows),
  });
}

/** A safetensors file: header and bytes by tensor. */
function open(path) {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  const bytes = (name) => file.subarray(8 + length + header[name].data_offsets[0], 8 + length + header[name].data_offsets[1]);
  return { header, bytes };
}

function save(path, tensors, metadata) {
  const header = { __metadata__: metadata };
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, ...Object.values(tensors).map(({ bytes }) => bytes)]));
}

function floats(bytes) {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** IEEE half precision to doubles. */
function halves(bytes) {
  const values = new Float64Array(bytes.length / 2);
  for (let i = 0; i < values.length; i++) {
    const bits = bytes.readUInt16LE(2 * i);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    values[i] = bits & 0x8000 ? -magnitude : magnitude;
  }
  return values;
}
