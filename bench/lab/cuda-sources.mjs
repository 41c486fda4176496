// What llama.cpp's CUDA backend decides when a plan is made, as C++ for a compiler without CUDA: its functions stand in files with kernels
// between them, from which they are taken by name. Nothing of that backend is repeated here, so that the planning backend follows the build.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Definitions by file of ggml/src/ggml-cuda, in the order in which C++ needs them. */
const TAKEN = [
  ['common.cuh', ['MATRIX_ROW_PADDING', 'GGML_CUDA_CC_ADA_LOVELACE']],
  ['fattn-common.cuh', ['FATTN_KQ_STRIDE', 'ggml_cuda_flash_attn_ext_f16_extra_data', 'ggml_cuda_flash_attn_ext_get_f16_extra_data']],
  [
    'fattn.cu',
    [
      'best_fattn_kernel',
      'ggml_cuda_fattn_kv_type_supported',
      'ggml_cuda_get_best_fattn_kernel',
      'ggml_cuda_flash_attn_ext_get_alloc_size',
      'ggml_cuda_flash_attn_ext_supported',
    ],
  ],
  ['lightning-indexer.cu', ['ggml_cuda_lightning_indexer_supported']],
  ['topk-moe.cuh', ['ggml_cuda_topk_moe_args']],
  ['topk-moe.cu', ['ggml_cuda_should_use_topk_moe']],
  [
    'ggml-cuda.cu',
    [
      'ggml_backend_cuda_buffer_type_get_alignment',
      'ggml_backend_cuda_buffer_type_get_alloc_size',
      'ggml_cuda_topk_moe_fusion',
      'MOE_WEIGHTED_REDUCTION_MAX_EXPERTS',
      'ggml_cuda_moe_weighted_reduction_match',
      'ggml_cuda_match_moe_weighted_reduction',
      'ggml_backend_cuda_graph_optimize',
      'ggml_backend_cuda_device_supports_op',
      'get_op_batch_size',
      'ggml_backend_cuda_device_offload_op',
    ],
  ],
];

/** What follows in `graph_optimize` are streams of CUDA graphs, off unless GGML_CUDA_GRAPH_OPT is set: they need the driver. */
const STREAMS = '#ifdef USE_CUDA_GRAPH';

/**
 * The definitions, for an `#include` of the planning backend.
 * @param source folder of llama.cpp's sources
 * @throws Error where a name has no definition any more: the backend changed, and so must the list above
 */
export function cudaSources(source) {
  return TAKEN.flatMap(([file, names]) => {
    const text = readFileSync(join(source, 'ggml/src/ggml-cuda', file), 'utf8');
    return names.map((name) => `// ${file}\n${definitionOf(text, name, file)}\n`);
  }).join('\n');
}

/** A definition at the beginning of a line: a macro, a constant of one line, or all up to the brace that closes it. */
function definitionOf(text, name, file) {
  const macro = new RegExp(`^#define ${name}\\b.*$`, 'm').exec(text);
  if (macro !== null) return macro[0];
  const constant = new RegExp(`^static constexpr .*\\b${name}\\b.*;$`, 'm').exec(text);
  if (constant !== null) return constant[0];
  const body = new RegExp(`^(?:[\\w: *&]+ )?(?:struct |enum )?\\*?${name}\\b(?:\\([^;{]*\\))? \\{$[\\s\\S]*?^\\}.*$`, 'm').exec(text);
  if (body === null) throw new Error(`${file}: has no definition of ${name}; see TAKEN in bench/lab/cuda-sources.mjs`);
  const end = name.endsWith('graph_optimize') ? body[0].indexOf(STREAMS) : -1;
  return end === -1 ? body[0] : `${body[0].slice(0, end)}    GGML_UNUSED(cuda_ctx);\n}`;
}
