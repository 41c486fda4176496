// vLLM on Ascend: the experts of each device, layer by layer.

import { UserError } from '../../base/errors.js';
import { ownValue } from '../../base/objects.js';
import { checkedHomes, fingerprintField, jsonOf, type ProfileFormat } from './format.js';

/** File of `expert_map_path`. */
export const vllmAscend: ProfileFormat = {
  name: 'vllm-ascend',
  summary: 'the experts of each device, layer by layer; needs --gpus',
  cites: 'vllm-ascend, vllm_ascend/eplb/core/eplb_utils.py and tests/ut/ops/expert_map.json, read 2026-12-01',
  holds: 'homes',
  extensions: ['.json'],
  keeps: () => true,
  use: (path) => `--additional-config '{"eplb_config":{"expert_map_path":"${path}"}}'`,
  write({ fingerprint, homes, model }) {
    for (const [l, gpus] of homes!.entries()) {
      const twice = gpus.findIndex((own) => new Set(own).size < own.length);
      if (twice >= 0) throw new UserError(`vllm-ascend: layer ${l}: GPU ${twice} would hold an expert twice; take fewer --redundant`);
    }
    const layers = homes!.map((gpus, l) => ({
      layer_id: l,
      device_count: gpus.length,
      device_list: gpus.map((own, device_id) => ({ device_id, device_expert: own })),
    }));
    const lines = layers.map((layer) => JSON.stringify(layer)).join(',\n');
    return `{"moe_layer_count": ${model.layers.length}, "layer_list": [\n${lines}\n],\n"moeprof": ${JSON.stringify(fingerprint)}}\n`;
  },
  detect: ({ text }) => /^\s*\{/.test(text) && text.includes('"layer_list"'),
  read(file, model) {
    const value = jsonOf(file);
    const list = ownValue(value, 'layer_list');
    if (!Array.isArray(list) || ownValue(value, 'moe_layer_count') !== list.length)
      throw new UserError(`${file.path}: layer_list: no list of as many layers as moe_layer_count says`);
    const homes: unknown[] = [];
    for (const [at, layer] of list.entries()) {
      const [id, devices] = [ownValue(layer, 'layer_id'), ownValue(layer, 'device_list')];
      if (
        typeof id !== 'number' ||
        !Array.isArray(devices) ||
        devices.length !== ownValue(layer, 'device_count') ||
        homes[id] !== undefined
      )
        throw new UserError(`${file.path}: layer_list ${at}: no layer of its own with device_count devices`);
      homes[id] = devices.map((device) => ownValue(device, 'device_expert'));
    }
    return { kind: 'homes', homes: checkedHomes(model, homes, file.path) };
  },
  fingerprint: fingerprintField,
};
