// Rows for tests: what a test does not say is the plainest thing there is.
import { type Measurement, parseRows } from '../../../src/measured/validate/rows/measurement.js';

/** An RTX 3090 in a desktop. */
export const BOX = {
  name: 'box',
  gpus: [{ name: 'rtx-3090', memory_gb: 24, memory_gbps: 936, fp16_tflops: 71, pcie: { gen: 4, lanes: 16 } }],
  cpu: { name: 'ryzen-9-7950x', cores: 16, ghz: 4.5, isa: 'avx512-vnni', sockets: 1 },
  ram: { gb: 64, type: 'ddr5', mts: 6000, channels: 2 },
};

/** A row of gpt-oss-20b on an RTX 3090 under llama.cpp, with half of its 24 layers on the CPU. */
export function measurement(over: Readonly<Record<string, unknown>> = {}): Measurement {
  const row = {
    id: 'row',
    engine: 'llama.cpp',
    machine: BOX,
    model: { name: 'gpt-oss-20b', bundled: true, quant: 'mxfp4' },
    placement: { kind: 'cpu-layers', cpu_moe_layers: 12, where: 'cpu' },
    measured: { tg_tps: 60 },
    ...over,
  };
  return parseRows(JSON.stringify(row), 'rows.jsonl').speed[0]!;
}
