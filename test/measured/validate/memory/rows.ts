// Rows of memory for tests: what a test does not say is the plainest thing there is.
import { parseRows } from '../../../../src/measured/validate/rows/measurement.js';
import type { MemoryRow } from '../../../../src/measured/validate/rows/memory-row.js';

/** Qwen3-235B at Q8_0 under llama.cpp, with the experts of 80 layers in host memory: log ik-370-4, not mapped. */
export function memoryRow(over: Readonly<Record<string, unknown>> = {}): MemoryRow {
  const row = {
    id: 'row',
    class: 'hybrid',
    source: 'https://github.com/ikawrakow/ik_llama.cpp/discussions/370',
    thread: 'ik#370',
    engine: 'llama.cpp',
    version: '5274 (d541533a)',
    model: 'qwen3-235b-a22b',
    quant: 'Q8_0',
    file_gib: 232.77,
    total_params: '235.09 B',
    flags: 'llama-sweep-bench --no-mmap --model MODEL -fa -ctk q8_0 -ctv q8_0 -c 32768 -ngl 99',
    ngl: 99,
    ot: ['blk\\.1[4-9]\\.ffn.*=CPU', 'blk\\.[2-9][0-9]\\.ffn.*=CPU'],
    offloaded: '95/95',
    ctx: 32768,
    ubatch: 512,
    batch: 2048,
    kv_type: 'q8_0',
    flash_attention: true,
    devices: [
      { name: 'CUDA0', model_mib: 41723.89, kv_mib: 3196, compute_mib: 1024 },
      { name: 'CPU', model_mib: 196001.25, kv_mib: 0, compute_mib: 0 },
      { name: 'CUDA_Host', model_mib: 630.59, kv_mib: 0, compute_mib: 72.01 },
    ],
    ...over,
  };
  return parseRows(JSON.stringify(row), 'rows.jsonl').memory[0]!;
}
