// What llama.cpp measured on an A10 (device read 514 GB/s, CPU STREAM 152 GB/s, host to device 25.2 GB/s): decoding at batch 1 with the
// experts of the first n MoE layers computed on the CPU.

/** Model, storage format, layers on the CPU, tokens per second. */
export const A10_DECODE: readonly (readonly [model: string, quantization: string, cpuLayers: number, tokensPerSecond: number])[] = [
  ['qwen3-30b-a3b', 'q4_k_m', 0, 145.6],
  ['qwen3-30b-a3b', 'q4_k_m', 6, 127.1],
  ['qwen3-30b-a3b', 'q4_k_m', 12, 110.6],
  ['qwen3-30b-a3b', 'q4_k_m', 36, 74.2],
  ['qwen3-30b-a3b', 'q4_k_m', 42, 69.2],
  ['qwen3-30b-a3b', 'q4_k_m', 48, 63.1],
  ['gpt-oss-20b', 'mxfp4', 0, 134.2],
  ['gpt-oss-20b', 'mxfp4', 3, 115.0],
  ['gpt-oss-20b', 'mxfp4', 6, 100.1],
  ['gpt-oss-20b', 'mxfp4', 12, 83.2],
  ['gpt-oss-20b', 'mxfp4', 18, 69.0],
  ['gpt-oss-20b', 'mxfp4', 24, 58.3],
];
