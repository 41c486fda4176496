import { byName } from '../../../base/objects.js';
import { checkValue } from '../../../base/yaml.js';
import type { HardwareProfile, Software } from '../../../hardware/door.js';
import {
  COPY_START,
  HardwareProfileSchema,
  isCovered,
  isHalved,
  listedKind,
  memoryKind,
  memoryRate,
  NEWEST_PCIE,
  pcieRate,
  pinnedRate,
  READ,
  SOCKETS,
  sheetRate,
} from '../../../hardware/door.js';
import type { Measurement } from './measurement.js';

type RowMachine = Measurement['machine'];
type RowGpu = RowMachine['gpus'][number];

/** Use of several GPUs: in turn, or together. */
type GpuSharing = Software['several'];

/** Usual memory speeds by type, MT/s; assumed. */
const USUAL_MTS = byName<number>({ ddr3: 1600, ddr4: 3200, ddr5: 5600, lpddr5: 6400, lpddr5x: 8000, mrdimm: 8800 });
/** Assumed for unnamed parts: two channels of DDR5, four cores a channel at 3 GHz with AVX2, PCIe 4.0 x16. */
const USUAL = { type: 'ddr5', channels: 2, coresPerChannel: 4, ghz: 3, isa: 'avx2', pcie: { gen: 4, lanes: 16 } } as const;
/** Rented cards, and the clock of their virtual cores: 2.2 GHz of a Xeon, if the CPU is unnamed. */
const RENTED = { cards: /^(t4|l4|p4|k80)$/, ghz: 2.2 };
/** GB/s beyond any two memory channels; ours. */
const HOME_GBPS = 100;
/** Assumed memory size: the run did fit. */
const AMPLE = '64 TB';

/** Data-sheet bytes/s of all sockets. */
function hostBandwidth({ ram, unified }: RowMachine): number {
  const { channels = USUAL.channels, measured_gbps: gbps, type = USUAL.type } = ram ?? {};
  // Desktop tools measure a smaller share of the memory rate than STREAM on servers.
  const kind = channels > USUAL.channels || (gbps ?? 0) > HOME_GBPS ? 'host' : 'home';
  if (gbps !== undefined) return unified === true ? gbps * 1e9 : sheetRate(gbps * 1e9, kind);
  const mts = ram?.mts ?? USUAL_MTS[type] ?? USUAL_MTS[USUAL.type]!;
  return memoryRate({ type, mts, channels });
}

/** Data-sheet bytes/s; null: unknown. */
function cardBandwidth({ measured_gbps, memory_gbps }: RowGpu): number | null {
  if (measured_gbps !== undefined) return sheetRate(measured_gbps * 1e9, 'gpu');
  return memory_gbps === undefined ? null : memory_gbps * 1e9;
}

/** Bytes/s of pinned copies to a card. */
export function copyBandwidth({ pcie }: RowGpu): number {
  if (pcie?.measured_gbps !== undefined) return pcie.measured_gbps * 1e9;
  const { gen, lanes } = pcie ?? USUAL.pcie;
  return pinnedRate(pcieRate({ generation: Math.min(gen, NEWEST_PCIE), lanes }));
}

/** Bytes/s of pinned copies to all cards: in turn, each copies its own layers. */
function copiesOf({ machine: { gpus }, placement }: Measurement, sharing: GpuSharing): number {
  if (sharing !== 'layers' || placement.kind !== 'expert-cache') return copyBandwidth(gpus[0]!);
  return gpus.length / gpus.reduce((sum, gpu) => sum + 1 / copyBandwidth(gpu), 0);
}

/** The cards as one: in turn, each reads its own part; together, all read and compute at once. */
function cardsAsOne(
  gpus: readonly RowGpu[],
  sharing: GpuSharing,
): { peak: number; memoryBandwidth: number; halved?: boolean; covered?: boolean } | null {
  const bandwidths = gpus.map(cardBandwidth);
  const peaks = gpus.map(({ fp16_tflops }) => fp16_tflops);
  if (bandwidths.includes(null) || peaks.includes(undefined)) return null;
  const together = (rates: readonly number[]): number => rates.reduce((sum, rate) => sum + rate, 0);
  const inTurn = (rates: readonly number[]): number => rates.length / rates.reduce((sum, rate) => sum + 1 / rate, 0);
  const joined = sharing === 'layers' ? inTurn : together;
  const [halved, covered] = [isHalved, isCovered].map((is) => gpus.every(({ name }) => is(name)));
  return {
    peak: joined(peaks as number[]) * 1e12,
    memoryBandwidth: joined(bandwidths as number[]),
    ...(halved && { halved }),
    ...(covered && { covered }),
  };
}

/** Generation and memory kind of a listed CPU, else by memory channels. */
function kindsOf({ cpu, ram, unified }: RowMachine): { generation?: string; memory?: string } {
  const known = listedKind(cpu?.name);
  const type = ram?.type ?? (ram === undefined ? undefined : USUAL.type);
  if (known !== null) return { generation: known.generation, memory: memoryKind({ arch: known.generation, form: known.form }, type) };
  if (unified === true || ram === undefined || (ram.channels ?? USUAL.channels) > USUAL.channels) return {};
  return { memory: memoryKind({ arch: '', form: 'desktop' }, type) };
}

function coresOf({ machine, run }: Measurement): { cores: number; clock: number; isa: string; memoryBandwidth: number } {
  const { cpu } = machine;
  const sockets = cpu?.sockets ?? 1;
  const all = cpu?.cores ?? USUAL.coresPerChannel * (machine.ram?.channels ?? USUAL.channels);
  const rented = machine.gpus.some(({ name }) => RENTED.cards.test(name));
  return {
    cores: Math.max(1, Math.round(Math.min(all, run.threads ?? all) / sockets)),
    clock: cpu?.ghz ?? (rented ? RENTED.ghz : USUAL.ghz),
    isa: cpu?.isa ?? USUAL.isa,
    ...kindsOf(machine),
    memoryBandwidth: hostBandwidth(machine) / sockets,
  };
}

/** Uncalibrated, or the missing input. @param sharing use of several GPUs */
export function machineOf(row: Measurement, sharing: GpuSharing): HardwareProfile | { readonly lacks: string } {
  const { machine, placement } = row;
  const idle = machine.gpus.length === 0 || placement.kind === 'all-cpu';
  const cards = idle ? null : cardsAsOne(machine.gpus, sharing);
  if (!idle && cards === null) return { lacks: 'nothing says how fast its GPU is' };
  if (placement.kind === 'ssd-stream' && machine.ssd === undefined) return { lacks: 'nothing says how fast its SSD is' };
  const ssd = placement.kind === 'ssd-stream' ? machine.ssd : undefined;
  const disk = ssd === undefined ? [] : [{ name: 'ssd', size: AMPLE }];
  const reads = ssd === undefined ? [] : [{ name: 'ssd', bandwidth: ssd.gbps * 1e9, ...READ }];
  const { name, os } = machine;
  const system = os === 'windows' ? { system: os } : {};
  // On a unified machine, the CPU's experts run next to the GPU.
  const handed = placement.kind === 'cpu-layers' || placement.kind === 'cpu-share';
  const shared = cards === null || (machine.unified === true && !handed);
  const profile = shared
    ? {
        name,
        ...system,
        tiers: [{ name: 'unified', size: AMPLE }, ...disk],
        links: reads,
        gpu: cards ?? wholeCpu(row),
      }
    : {
        name,
        ...system,
        tiers: [{ name: 'gpu', size: AMPLE }, { name: 'dram', size: AMPLE }, ...disk],
        links: [{ name: 'h2d', bandwidth: copiesOf(row, sharing), latency: COPY_START }, ...reads],
        gpu: cards,
        cpu: { ...coresOf(row), ...severalSockets(machine) },
      };
  return checkValue(profile, `measurement ${row.id}: machine`, HardwareProfileSchema);
}

function wholeCpu(row: Measurement): Record<string, unknown> {
  const socket = coresOf(row);
  const sockets = row.machine.cpu?.sockets ?? 1;
  return { ...socket, sockets, cores: socket.cores * sockets, memoryBandwidth: socket.memoryBandwidth * sockets };
}

function severalSockets({ cpu }: RowMachine): Record<string, unknown> {
  const sockets = cpu?.sockets ?? 1;
  return sockets === 1 ? {} : { sockets, interconnect: SOCKETS };
}
