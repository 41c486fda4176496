// Lines that llama.cpp and its forks print while a model is loaded: devices, buffers, sizes. llama-server and llama-cli print their settings
// there.

import { definedFields, printedSize, wholeOf } from '../logs/lines.js';
import type { TimingBuffer, TimingSettings } from '../logs/timing.js';
import { settingsOfCommand } from './command-line.js';

/** Limit of a line's characters: useful lines are short, and patterns take the square of a line's length. */
const LONGEST = 4096;

/** Settings in a log; those of a command line in the log come first. */
export function settingsOfLog(whole: string): TimingSettings {
  const text = whole
    .split('\n')
    .map((line) => line.slice(0, LONGEST))
    .join('\n');
  const first = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const parameters = /model params\s*=\s*([\d.]+) B/.exec(text)?.[1];
  const devices = [...text.matchAll(/^\s*Device \d+: (.+?)(?:, compute capability|, VMM|$)/gm)].map(([, name]) => name!.trim());
  const offloaded = /offloaded (\d+)\/(\d+) layers to GPU/.exec(text);
  const overridden = [...text.matchAll(/blk\.(\d+)\.ffn_(?:gate|up|down|gate_up)_exps\S*.*buffer type overridden to CPU/g)];
  const told: TimingSettings = definedFields({
    model: first(/loaded meta data .* from (\S+)/) ?? first(/general\.name\s*(?:str\s*)?= (.+)$/m),
    quantization: first(/(?:file type|model ftype)\s*= (.+?)(?: \(guessed\))?$/m),
    modelBytes: printedSize(first(/(?:file|model) size\s*=\s*([\d.]+ [KMGT]iB)/)),
    parameters: parameters === undefined ? undefined : Number(parameters) * 1e9,
    devices: devices.length === 0 ? undefined : [...new Set(devices)],
    threads: wholeOf(first(/n_threads\s*=\s*(\d+)/)),
    ubatch: wholeOf(first(/n_ubatch\s*=\s*(\d+)/)),
    context: wholeOf(first(/n_ctx\s*=\s*(\d+)/)),
    layers: wholeOf(first(/n_layer\s*=\s*(\d+)/)) ?? layersOf(offloaded?.[2]),
    gpuLayers: wholeOf(offloaded?.[1]),
    cpuMoe: overridden.length === 0 ? undefined : new Set(overridden.map(([, layer]) => layer)).size,
    flashAttention: /flash_attn\s*=\s*(1|enabled|on)/.test(text) || undefined,
    buffers: buffersOf(text),
  });
  return { ...told, ...settingsOfCommand(text) };
}

/** Layers of `offloaded 49/49 layers`, where the output matrix counts as one. */
function layersOf(offered: string | undefined): number | undefined {
  const count = wholeOf(offered);
  return count === undefined ? undefined : count - 1;
}

/** `load_tensors:        CUDA0 model buffer size = 12345.67 MiB`; undefined where there is none. */
function buffersOf(text: string): TimingBuffer[] | undefined {
  const lines = [...text.matchAll(/([A-Za-z][\w-]*) +(model|KV|RS|compute|output) buffer size\s*=\s*([\d.]+ MiB)/g)];
  if (lines.length === 0) return undefined;
  return lines.map(([, device, kind, size]) => ({ device: device!, kind: kind!, bytes: printedSize(size)! }));
}
