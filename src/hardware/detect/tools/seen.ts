/** A reported PCIe link. */
export interface SeenLink {
  /** Highest generation; idle links slow down. */
  readonly generation?: number;
  readonly lanes?: number;
  readonly mostLanes?: number;
}

/** Maker of a GPU. */
export type SeenVendor = 'nvidia' | 'amd' | 'intel' | 'apple';

/** A reported GPU. */
export interface SeenGpu {
  readonly vendor: SeenVendor;
  /** Possible names, likeliest first (`Radeon RX 7900 XT/7900 XTX`). Empty: only the maker is known. */
  readonly names: readonly string[];
  /** `0000:01:00.0`: identifies a card across tools. */
  readonly bus?: string;
  readonly memoryBytes?: number;
  readonly link?: SeenLink;
  /** W. */
  readonly power?: { readonly limit: number; readonly usual: number };
  /** Cores, for a chip sold with several core counts. */
  readonly cores?: number;
}

/** Equal processors. */
export interface SeenCpu {
  readonly names: readonly string[];
  readonly cores: number;
  readonly sockets: number;
  /** Family and model numbers of x86, as in `/proc/cpuinfo`. */
  readonly family?: number;
  readonly model?: number;
  readonly vendor?: string;
  /** Instruction-set flags in lower case; empty: not reported. */
  readonly flags: readonly string[];
  /** The base clock. */
  readonly clockHz?: number;
  readonly nodes?: number;
  /** Empty: unknown name; absent: no hypervisor seen. */
  readonly hypervisor?: string;
}

/** A memory module, or a soldered chip. */
export interface SeenModule {
  readonly bytes: number;
  /** ddr5, lpddr5x ...; absent: unknown. */
  readonly type?: string;
  /** Current speed, million transfers/s. */
  readonly mts?: number;
  readonly ratedMts?: number;
  readonly place: string;
}

/** A reported drive. */
export interface SeenDisk {
  readonly name: string;
  readonly kind: 'nvme' | 'sata' | 'hdd' | 'emmc' | 'ufs' | 'virtual';
  readonly bytes: number;
  readonly link?: SeenLink;
}

/** Facts reported by operating-system tools: vendor spellings, bytes, MT/s. Absent: not seen. */
export interface Seen {
  readonly cpu?: SeenCpu;
  readonly gpus?: readonly SeenGpu[];
  readonly modules?: readonly SeenModule[];
  readonly memoryBytes?: number;
  readonly limitBytes?: number;
  readonly limitCores?: number;
  readonly disks?: readonly SeenDisk[];
  readonly board?: string;
  /** Operating system, if software is slower under it. */
  readonly system?: 'windows';
}

/** Joins reports: each fact from the first tool, each GPU from all tools. */
export function together(reports: readonly Seen[]): Seen {
  let all: Seen = {};
  for (const report of reports) all = { ...report, ...withoutAbsent(all), ...gpusOf(all, report), ...cpuOf(all, report) };
  return all;
}

function withoutAbsent(seen: Seen): Seen {
  return Object.fromEntries(
    Object.entries(seen).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  );
}

/** All names are kept: the name of a virtual CPU is better than `unknown`. */
function cpuOf({ cpu: before }: Seen, { cpu: now }: Seen): Pick<Seen, 'cpu'> {
  if (before === undefined || now === undefined) return {};
  const flags = before.flags.length > 0 ? before.flags : now.flags;
  const hypervisor = before.hypervisor ?? now.hypervisor;
  return {
    cpu: {
      ...now,
      ...before,
      flags,
      ...(hypervisor !== undefined && { hypervisor }),
      names: [...new Set([...before.names, ...now.names])],
    },
  };
}

function gpusOf({ gpus: before = [] }: Seen, { gpus: now = [] }: Seen): Pick<Seen, 'gpus'> {
  if (before.length === 0 && now.length === 0) return {};
  const vendors = new Set(before.filter(({ bus }) => bus === undefined).map(({ vendor }) => vendor));
  const joined = before.map((gpu) => {
    const same = gpu.bus === undefined ? undefined : now.find(({ bus }) => bus === gpu.bus);
    if (same === undefined) return gpu;
    return { ...same, ...gpu, names: [...new Set([...gpu.names, ...same.names])], link: { ...same.link, ...gpu.link } };
  });
  const buses = new Set(before.map(({ bus }) => bus));
  // A tool without bus addresses repeats cards of previous tools.
  const fresh = now.filter(({ bus, vendor }) =>
    bus === undefined ? !before.some((gpu) => gpu.vendor === vendor) : !buses.has(bus) && !vendors.has(vendor),
  );
  return { gpus: [...joined, ...fresh] };
}
