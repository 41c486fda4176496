/** A PCIe link as a tool reports it. */
export interface SeenLink {
  /** Generation at its best; links slow down while they are idle. */
  readonly generation?: number;
  readonly lanes?: number;
  readonly mostLanes?: number;
}

/** The maker of a GPU. */
export type SeenVendor = 'nvidia' | 'amd' | 'intel' | 'apple';

/** A GPU. */
export interface SeenGpu {
  readonly vendor: SeenVendor;
  /** Names that it may have, the likeliest first: drivers often give a family (`Radeon RX 7900 XT/7900 XTX`). Empty: only its maker is known. */
  readonly names: readonly string[];
  /** `0000:01:00.0`: identifies a card across tools. */
  readonly bus?: string;
  readonly memoryBytes?: number;
  readonly link?: SeenLink;
  /** Watts that it may draw, and rated watts. */
  readonly power?: { readonly limit: number; readonly usual: number };
  /** Cores, if a chip is sold with several numbers of them. */
  readonly cores?: number;
}

/** Processors, all alike. */
export interface SeenCpu {
  readonly names: readonly string[];
  readonly cores: number;
  readonly sockets: number;
  /** As `/proc/cpuinfo` counts families and models of x86. */
  readonly family?: number;
  readonly model?: number;
  readonly vendor?: string;
  /** Lower-case flags of instruction sets; empty if no tool reports them. */
  readonly flags: readonly string[];
  /** Hz of its time stamps, which is its base clock. */
  readonly clockHz?: number;
  readonly nodes?: number;
  /** Name of the hypervisor, empty if no tool reports it; absent: none was seen. */
  readonly hypervisor?: string;
}

/** A memory module, or a chip that is soldered. */
export interface SeenModule {
  readonly bytes: number;
  /** ddr5, lpddr5x ...; absent: unknown. */
  readonly type?: string;
  /** Million transfers a second as it runs. */
  readonly mts?: number;
  readonly ratedMts?: number;
  /** The board's name for its slot. */
  readonly place: string;
}

/** A drive. */
export interface SeenDisk {
  readonly name: string;
  readonly kind: 'nvme' | 'sata' | 'hdd' | 'emmc' | 'ufs' | 'virtual';
  readonly bytes: number;
  readonly link?: SeenLink;
}

/** Facts that tools of operating systems report of a machine: names as vendors write them, bytes, MT/s. An absent field was not seen. */
export interface Seen {
  readonly cpu?: SeenCpu;
  readonly gpus?: readonly SeenGpu[];
  readonly modules?: readonly SeenModule[];
  readonly memoryBytes?: number;
  /** Memory that this process may use, if a container limits it. */
  readonly limitBytes?: number;
  /** Cores that this process may use, if a container limits them. */
  readonly limitCores?: number;
  readonly disks?: readonly SeenDisk[];
  /** The board's own name: a Jetson, a DGX Spark. */
  readonly board?: string;
  /** Its operating system if software is slower under it. */
  readonly system?: 'windows';
}

/** The reports of all tools joined: each fact from the first tool that has it, each GPU from all tools that report it. */
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

/** Names of all tools: one with the name of a virtual CPU is worth more than one with `unknown`. */
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
  // A tool without bus addresses reports cards that another tool has reported already.
  const fresh = now.filter(({ bus, vendor }) =>
    bus === undefined ? !before.some((gpu) => gpu.vendor === vendor) : !buses.has(bus) && !vendors.has(vendor),
  );
  return { gpus: [...joined, ...fresh] };
}
