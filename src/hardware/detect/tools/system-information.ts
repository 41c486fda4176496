import { isObject } from '../../../base/objects.js';
import type { Seen, SeenCpu, SeenDisk, SeenGpu, SeenModule, SeenVendor } from './seen.js';
import { flagsOf, type Tool } from './tool.js';

/** Library `systeminformation`: one object by function names. */
export const systemInformation: Tool = {
  name: 'systeminformation',
  platforms: ['darwin', 'linux', 'win32'],
  question: { kind: 'library' },
  tells: 'processor, memory, graphics and drives',
  missing: ({ cpu, memoryBytes }) => cpu === undefined || memoryBytes === undefined,
  read: (answer) => {
    const { cpu, diskLayout, graphics, mem, memLayout, platform } = JSON.parse(answer) as Answers;
    const total = numberOf(mem?.total);
    return {
      ...(cpu && { cpu: cpuOf(cpu) }),
      gpus: listOf(graphics?.controllers).flatMap(gpuOf),
      modules: listOf(memLayout).flatMap(moduleOf),
      ...(total !== null && { memoryBytes: total }),
      disks: listOf(diskLayout).flatMap(diskOf),
      ...(platform === 'win32' && { system: 'windows' as const }),
    } satisfies Seen;
  },
};

type Fields = Readonly<Record<string, unknown>>;
interface Answers {
  readonly cpu?: Fields;
  readonly mem?: Fields;
  readonly memLayout?: unknown;
  readonly graphics?: { readonly controllers?: unknown };
  readonly diskLayout?: unknown;
  readonly platform?: unknown;
}

const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');
const numberOf = (value: unknown): number | null => (Number(value) > 0 ? Number(value) : null);

/** Restores the maker that the library cuts off (`Apple`, `M4 Max`), and drops the rest of `13th Gen Intel Core`. */
function cpuOf(cpu: Fields): SeenCpu {
  const [maker, brand] = [textOf(cpu.manufacturer), textOf(cpu.brand)];
  const sockets = numberOf(cpu.processors) ?? 1;
  const [family, model] = [numberOf(cpu.family), numberOf(cpu.model)];
  return {
    names: [`${maker} ${brand}`, brand].map((name) => name.replace(/^(intel )?gen /i, '').trim()).filter((name) => name !== ''),
    cores: numberOf(cpu.physicalCores) ?? numberOf(cpu.cores) ?? 1,
    sockets,
    ...(textOf(cpu.vendor) !== '' && { vendor: textOf(cpu.vendor) }),
    ...(family !== null && { family }),
    ...(model !== null && { model }),
    flags: flagsOf(textOf(cpu.flags)),
  };
}

const VENDORS: readonly (readonly [RegExp, SeenVendor])[] = [
  [/nvidia/i, 'nvidia'],
  [/\b(amd|ati|advanced micro devices)\b|radeon/i, 'amd'],
  [/intel/i, 'intel'],
  [/apple/i, 'apple'],
];

function gpuOf(controller: Fields): SeenGpu[] {
  const [vendor, model] = [textOf(controller.vendor), textOf(controller.model)];
  const maker = VENDORS.find(([pattern]) => pattern.test(`${vendor} ${model}`))?.[1];
  if (maker === undefined || model === '') return [];
  const cores = numberOf(controller.cores);
  const mebibytes = controller.vramDynamic === true ? null : numberOf(controller.vram);
  const bus = /^[\da-f]{2}:[\da-f]{2}\.\d$/i.test(textOf(controller.busAddress))
    ? `0000:${textOf(controller.busAddress).toLowerCase()}`
    : null;
  return [
    {
      vendor: maker,
      names: [model],
      ...(bus !== null && { bus }),
      ...(cores !== null && { cores }),
      // Windows reports 32 bits: just below 4 GiB may mean any larger size.
      ...(mebibytes !== null && mebibytes !== 4095 && { memoryBytes: mebibytes * 2 ** 20 }),
    },
  ];
}

function moduleOf(module: Fields): SeenModule[] {
  const bytes = numberOf(module.size);
  const type = textOf(module.type).toLowerCase();
  // Without root, the library reports a single module of all memory, without a type.
  if (bytes === null || !/^(lp)?ddr|^mrdimm/.test(type)) return [];
  const mts = numberOf(module.clockSpeed);
  return [{ bytes, type, ...(mts !== null && { mts }), place: textOf(module.bank) }];
}

function diskOf(disk: Fields): SeenDisk[] {
  const bytes = numberOf(disk.size);
  const [name, type, bus] = [textOf(disk.name), textOf(disk.type), textOf(disk.interfaceType)];
  if (bytes === null || /usb/i.test(bus)) return [];
  const kind = /nvme|pcie|apple fabric/i.test(`${bus} ${type}`)
    ? 'nvme'
    : /hd|rotational/i.test(type)
      ? 'hdd'
      : /ssd|sata/i.test(`${type} ${bus}`)
        ? 'sata'
        : null;
  return kind === null ? [] : [{ name, kind, bytes }];
}
