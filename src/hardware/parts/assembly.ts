// Types of a machine: as its text gives it, and as defaults complete it. Facts of hardware only.
import type { CpuPart } from './cpu.js';
import type { DiskPart } from './disk.js';
import type { GpuPart } from './gpu.js';
import type { MemoryPart } from './memory.js';
import type { PcieLink } from './pcie.js';

/** A machine: data-sheet or measured facts, no software. Bytes, bytes/s, FLOP/s, Hz. */
export interface Machine {
  /** The parts that were given, in their own order and spelling: the same machine has the same name however it was written. */
  readonly name: string;
  /** Empty: the CPU computes everything. */
  readonly gpus: readonly GpuPart[];
  /** One socket; null where it is not known. */
  readonly cpu: CpuPart | null;
  readonly sockets: number;
  /** Memory of all sockets; of a unified machine, the memory that the GPU has as well. */
  readonly ram: MemoryPart | null;
  /** Slot of each GPU; null where there is none. */
  readonly pcie: PcieLink | null;
  readonly disks: readonly DiskPart[];
  /** GPU and CPU share one memory. */
  readonly unified: boolean;
  /** Sentences: which parts were not given, and what was taken. */
  readonly defaults: readonly string[];
  /** A sentence on how the constants of its runtime were fitted here, and on the error of a check. Absent: they are those of all machines. */
  readonly calibration?: string;
}

/** The parts of a machine that were given. */
export interface GivenParts extends Pick<Machine, 'gpus' | 'sockets' | 'disks'> {
  readonly cpu?: CpuPart;
  readonly memory?: { readonly type: string; readonly mts: number; readonly channels?: number; readonly measuredBandwidth?: number };
  readonly memoryBytes?: number;
  readonly pcie?: PcieLink;
  /** Bytes/s of the memory of a chip, as measured: `gb10@231GB/s`. */
  readonly chipBandwidth?: number;
}
