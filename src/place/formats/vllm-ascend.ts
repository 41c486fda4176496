import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { pasted } from '../../base/shell.js';
import { checkedHomes, expertList, fingerprintField, jsonAs, type ProfileFormat } from './format.js';

const mapSchema = z.object({
  moe_layer_count: z.int().positive(),
  layer_list: z.array(z.object({ layer_id: z.int().nonnegative(), device_list: z.array(z.object({ device_expert: expertList })) })),
});

/** vLLM on Ascend, `expert_map_path`: experts of each device by layer. */
export const vllmAscend: ProfileFormat = {
  name: 'vllm-ascend',
  summary: 'the experts of each device, layer by layer; needs --gpus',
  cites: 'vllm-ascend, vllm_ascend/eplb/core/eplb_utils.py and tests/ut/ops/expert_map.json, read 2026-12-01',
  holds: 'homes',
  extensions: ['.json'],
  keeps: () => true,
  use: (path) => `--additional-config ${pasted(JSON.stringify({ eplb_config: { expert_map_path: path } }))}`,
  write({ fingerprint, homes, model }) {
    for (const [l, gpus] of homes!.entries()) {
      const twice = gpus.findIndex((experts) => new Set(experts).size < experts.length);
      if (twice >= 0) throw new UserError(`vllm-ascend: layer ${l}: GPU ${twice} would hold an expert twice; take fewer --redundant`);
    }
    const layers = homes!.map((gpus, l) => ({
      layer_id: l,
      device_count: gpus.length,
      device_list: gpus.map((experts, device_id) => ({ device_id, device_expert: experts })),
    }));
    const lines = layers.map((layer) => JSON.stringify(layer)).join(',\n');
    return `{"moe_layer_count": ${model.layers.length}, "layer_list": [\n${lines}\n],\n"moeprof": ${JSON.stringify(fingerprint)}}\n`;
  },
  detect: ({ text }) => /^\s*\{/.test(text) && text.includes('"layer_list"'),
  read(file, model) {
    const { layer_list: list, moe_layer_count: count } = jsonAs(file, mapSchema);
    // The engine takes layers by position, not by number.
    if (list.length !== count || list.some(({ layer_id: id }, l) => id !== l))
      throw new UserError(`${file.path}: layer_list: not each of the ${count} layers of moe_layer_count once, in order`);
    const homes = list.map(({ device_list: devices }) => devices.map((device) => device.device_expert));
    return { kind: 'homes', homes: checkedHomes(model, homes, file.path) };
  },
  fingerprint: fingerprintField,
};
