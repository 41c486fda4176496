import { sum } from '../base/statistics.js';
import { formatBytes, formatNumber } from '../base/units.js';
import { cachedBytes, type DeviceMemory, freeOf, HOST, PLAIN, type Setting, type WeightPlacement } from '../runtime/door.js';
import { devicesOf, highestOnGpu, ladderOf, lowestRung, rungOf } from './fit.js';
import type { Priced } from './price.js';
import type { Question, Unpriced } from './question.js';

/** Sentences on missing memory: for everything on the GPU, and for a step up the ladder. */
export function misfitsOf(question: Question, { model, setting }: Priced): string[] {
  const ladder = ladderOf(question, model, setting.cache);
  const [whole] = setting.cache === null ? ladder : ladderOf(question, model, null);
  const above = [ladder[rungOf(ladder, setting) - 1], ...(rungOf(ladder, setting) === 0 && setting.cache === null ? [] : [whole])];
  return [...new Set(above)].flatMap((rung) => {
    if (rung === undefined) return [];
    const devices = devicesOf(question, model, { ...setting, ...rung });
    return [`${rung === whole ? 'Everything on the GPU' : stepOf(rung)}: ${lackOf(devices)}.`];
  });
}

/** Name of a step up the ladder. */
function stepOf({ cpuProjections, gpuExperts, gpuLayers, slots }: WeightPlacement): string {
  if (slots !== null) return 'One more slot of each layer in the cache';
  if (gpuLayers !== null) return 'One more layer on the GPU';
  if (gpuExperts !== null) return 'One more expert of each layer on the GPU';
  if (cpuProjections === 'gate+up') return "The down projection of one more layer's experts on the GPU";
  return cpuProjections === 'down' ? "A further projection of a layer's experts on the GPU" : "One more layer's experts on the GPU";
}

/** Sentences on missing bytes of the first and the last format on offer. */
export function missingOf(question: Question): string[] {
  const { quantizations } = question;
  const ends = [...new Set([quantizations[0]!, quantizations.at(-1)!])];
  return ends.map((quantization) => `${question.model(quantization).quantization}: ${lackOf(leastDevices(question, quantization))}.`);
}

/** Bytes missing for a format at its smallest; 0: fits. */
export function missingBytes(question: Unpriced, quantization: string | null): number {
  return leastDevices(question, quantization).reduce((sum, device) => sum + Math.max(0, -freeOf(device)), 0);
}

function leastDevices(question: Unpriced, quantization: string | null): readonly DeviceMemory[] {
  return devicesOf(question, question.model(quantization), leastSetting(question, quantization));
}

/** Shortest passes and smallest KV cache, with full GPUs. */
function leastSetting(question: Unpriced, quantization: string | null): Setting {
  const { context, runtime, slots, users } = question;
  const model = question.model(quantization);
  const cache = slots === undefined ? null : runtime.caches.find(({ keeps }) => keeps)!.system;
  const beside = { quantization, ubatch: runtime.ubatches[0]!, kv: runtime.kv.at(-1)!, context, users, ...PLAIN, cache };
  return highestOnGpu(question, model, beside) ?? lowestRung(question, model, beside);
}

/** Sentence on slots that the context costs; empty: no cache. */
export function slotsForContext(question: Question, { model, setting }: Priced): string[] {
  if ((setting.slots ?? 0) === 0) return [];
  const kv = (context: number): number =>
    sum(devicesOf(question, model, { ...setting, context }).map((device) => (device.name === HOST ? 0 : device.kv)));
  const each = (kv(setting.context + 1024) - kv(setting.context)) * (1000 / 1024) * setting.users;
  const slot = sum(cachedBytes(model, 1, setting.cpuMoe));
  return [`1,000 tokens of context take as much of the GPU as ${formatNumber(each / slot, 1)} slots a layer.`];
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
