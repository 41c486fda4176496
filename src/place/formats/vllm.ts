import { z } from 'zod';
import { pasted } from '../../base/shell.js';
import { expertList, jsonAs, type ProfileFormat } from './format.js';
import { dealt } from './sglang.js';

/** vLLM, `eplb_config.initial_expert_map_path`: logical expert of each physical slot, by MoE layer. */
export const vllmMap: ProfileFormat = {
  name: 'vllm',
  summary: 'the expert of each slot, a list for each layer with experts; needs --gpus',
  cites: 'vLLM pull request 49572, read 2026-12-01; not released',
  holds: 'homes',
  extensions: ['.json'],
  keeps: () => false,
  use: (path, { homes, model }) =>
    `--enable-expert-parallel --enable-eplb --eplb-config ${pasted(
      JSON.stringify({ initial_expert_map_path: path, num_redundant_experts: homes![0]!.flat().length - model.layers[0]!.experts }),
    )}`,
  write: ({ homes }) => `[\n${homes!.map((gpus) => `[${gpus.flat().join(',')}]`).join(',\n')}\n]\n`,
  detect: ({ text }) => /^\s*\[\s*(\[\s*)?\d/.test(text),
  read(file, model) {
    const value = jsonAs(file, z.union([expertList, z.array(expertList)]));
    // A flat list is for all layers. The number of GPUs is unknown.
    const rows = Array.isArray(value[0]) ? (value as number[][]) : model.layers.map(() => value as number[]);
    return { kind: 'homes', homes: dealt(model, rows, 1, file.path) };
  },
};
