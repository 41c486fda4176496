import { UserError } from '../../base/errors.js';
import { definedFields } from '../../base/objects.js';
import { cpuNamed, spokenParts } from '../../hardware/door.js';
import { listField, printedSize } from './lines.js';
import type { TimingSettings } from './timing.js';

/** Most characters of a device's name; ours. */
const LONGEST_NAME = 200;
/** Most devices of a log; ours, as of machines. */
const MOST_DEVICES = 64;
/** Most labelled lines that are read; ours. */
const MOST_LABELS = 20;

/** Devices as backends of ggml print them: index, name, `1` for memory shared with the CPU, memory. */
const PRINTED: readonly RegExp[] = [
  /\busing device [A-Za-z]+(?<at>\d*) \((?<name>[^()]+(?:\([^()]*\)[^()]*)*)\).*?- (?<size>\d+ MiB) free/gm,
  /^[ \t]*Device (?<at>\d+): (?<name>[^,\n]+)(?:,.*?(?:VRAM: (?<size>\d+ MiB))?)?$/gm,
  /ggml_vulkan: (?<at>\d+) = (?<name>[^|\n]+)(?:\| uma: (?<shared>\d))?/gm,
  /(?:GPU name:|found device:)\s+(?<name>[^\n]+)/gm,
  /registered device (?:CUDA|ROCm|Vulkan|SYCL|Metal|MTL)(?<at>\d*) \((?<name>[^\n]+)\)$/gm,
  /^[ \t]*(?:- )?(?:CUDA|ROCm|Vulkan|SYCL|MTL)(?<at>\d+)\s*: (?<name>[^\n]+?) \((?<size>\d+ MiB), \d+ MiB free\)/gm,
  /^\|\s*(?<at>\d+)\|\s*\[level_zero:gpu:\d+\]\|\s*(?<name>[^|\n]+)\|/gm,
  /msg="inference compute".*?description="(?<name>[^"\n]+)".*?total="(?<size>[\d.]+ [GM]iB)"/gm,
];

const CPUS: readonly RegExp[] = [
  /registered device CPU \(([^\n]+)\)[ \t]*$/m,
  /^[ \t]*(?:- )?CPU\s*: ([^\n]+?) \(\d+ MiB, \d+ MiB free\)[ \t]*$/m,
];

/** A line of a person: `**CPU:** Ryzen 7 5800X`, and the line after the heading `### Hardware`. */
const LABELS =
  /^(?:[ \t>*-]*\**(?:CPU|GPU(?: \d+)?|RAM|Memory|Hardware|System|Specs?|Machine|Host|Rig|Setup|Processor|Model name)\**[ \t]*:\**|#{1,6} *(?:Hardware|System|Specs?|Machine)[ \t]*\n{1,3})[ \t]*([^\n]{3,300})$/gim;

const CPU_LABEL = /^[ \t>*-]*\**(?:CPU|Processor|Model name)\**[ \t]*:\**[ \t]*([^\n|]{3,200})$/im;

/** @param path for messages @throws UserError for two devices of one number */
export function machineOfLog(text: string, path: string): TimingSettings {
  const found = PRINTED.map((pattern) => devicesBy(text, pattern, path)).find(({ length }) => length > 0) ?? [];
  const cards = found.some(({ shared }) => !shared) ? found.filter(({ shared }) => !shared) : found;
  const labels = [...text.matchAll(LABELS)].slice(0, MOST_LABELS).map(([, line]) => line!.replaceAll('**', ''));
  const { parts } = spokenParts(labels.join(', '));
  const labelled = parts.some((part) => cpuNamed(part) !== null) ? undefined : CPU_LABEL.exec(text)?.[1];
  const cpu = CPUS.map((pattern) => pattern.exec(text)?.[1]).find((name) => name !== undefined) ?? labelled;
  return definedFields({
    ...listField(
      'devices',
      cards.map(({ name }) => name),
    ),
    deviceBytes: cards.some(({ bytes }) => bytes !== null) ? cards.map(({ bytes }) => bytes ?? 0) : undefined,
    cpu: cpu?.trim().slice(0, LONGEST_NAME),
    ...listField('machine', parts),
    backend: /ggml_cuda_init: found \d+ (CUDA|ROCm) devices|ggml_(vulkan|metal)|\[(level_zero)/
      .exec(text)
      ?.slice(1)
      .find((name) => name !== undefined),
  });
}

interface PrintedDevice {
  readonly name: string;
  readonly shared: boolean;
  readonly bytes: number | null;
}

function devicesBy(text: string, pattern: RegExp, path: string): PrintedDevice[] {
  const byIndex = new Map<string, PrintedDevice>();
  for (const { groups } of text.matchAll(pattern)) {
    const { at, name, shared, size } = groups!;
    const printed = { name: name!.trim().slice(0, LONGEST_NAME), shared: shared === '1', bytes: printedSize(size) ?? null };
    const key = at ?? (size === undefined ? '0' : `${byIndex.size}`);
    const before = byIndex.get(key);
    if (before !== undefined && before.name !== printed.name)
      throw new UserError(`${path}: device ${key} is "${before.name}" and "${printed.name}"; give the logs of one machine at a time`);
    byIndex.set(key, printed);
    if (byIndex.size > MOST_DEVICES) break;
  }
  return [...byIndex.values()];
}
