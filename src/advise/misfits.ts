// Settings that do not fit, and how much memory is missing.
import { formatBytes } from '../base/units.js';
import { type DeviceMemory, freeOf, HOST } from '../runtime/setting/fits.js';
import { PLAIN, type Setting, type WeightPlacement } from '../runtime/setting/setting.js';
import { devicesOf, highestOnGpu, ladderOf, lowestRung, type Priced, type Question, rungOf } from './search.js';

/** Sentences beside an answer: everything on the GPU, and one step more there than advised. */
export function misfitsOf(question: Question, { model, setting }: Priced): string[] {
  const ladder = ladderOf(question, model);
  const at = rungOf(ladder, setting);
  const above = [...new Set([at - 1, 0])].filter((rung) => rung >= 0 && rung < at);
  return above.map((rung) => {
    const devices = devicesOf(question, model, { ...setting, ...ladder[rung]! });
    return `${rung === 0 ? 'Everything on the GPU' : stepOf(ladder[rung]!)}: ${lackOf(devices)}.`;
  });
}

/** Names what the GPU holds on this rung and not on the next. */
function stepOf({ cpuProjections, gpuExperts, gpuLayers }: WeightPlacement): string {
  if (gpuLayers !== null) return 'One more layer on the GPU';
  if (gpuExperts !== null) return 'One more expert of each layer on the GPU';
  if (cpuProjections === 'gate+up') return "The down projection of one more layer's experts on the GPU";
  return cpuProjections === 'down' ? "A further projection of a layer's experts on the GPU" : "One more layer's experts on the GPU";
}

/** Sentences where nothing fits: the bytes that each format on offer lacks, the smallest format last. */
export function missingOf(question: Question): string[] {
  const { quantizations } = question;
  const ends = [...new Set([quantizations[0]!, quantizations.at(-1)!])];
  return ends.map((quantization) => `${question.model(quantization).quantization}: ${lackOf(leastDevices(question, quantization))}.`);
}

/** Bytes that a format lacks where it takes least memory; 0 and less: it fits. */
export function missingBytes(question: Question, quantization: string | null): number {
  return leastDevices(question, quantization).reduce((sum, device) => sum + Math.max(0, -freeOf(device)), 0);
}

/** Memory of the setting of a format that takes least. */
function leastDevices(question: Question, quantization: string | null): readonly DeviceMemory[] {
  return devicesOf(question, question.model(quantization), leastSetting(question, quantization));
}

/** The shortest passes and the smallest KV cache of a format: as much on the GPUs as they hold, the rest on the host. */
function leastSetting(question: Question, quantization: string | null): Setting {
  const { context, runtime, users } = question;
  const model = question.model(quantization);
  const beside = { quantization, ubatch: runtime.ubatches[0]!, kv: runtime.kv.at(-1)!, context, users, ...PLAIN };
  return highestOnGpu(question, model, beside) ?? lowestRung(question, model, beside);
}

function lackOf(devices: readonly DeviceMemory[]): string {
  const parts = devices
    .filter((device) => freeOf(device) < 0)
    .map((device) => `${formatBytes(-freeOf(device))} more ${placeOf(device.name)}`);
  return parts.length === 0 ? 'fits, and is not faster' : `needs ${parts.join(' and ')}`;
}

function placeOf(name: string): string {
  return name === HOST ? 'of host memory' : name === 'memory' ? 'of memory' : `on ${name}`;
}
