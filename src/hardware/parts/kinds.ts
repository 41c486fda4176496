import type { Form } from './catalogue.js';
import { CPUS } from './cpu.js';
import { GPUS } from './gpu.js';

/** Architectures of AMD and of Arm; the rest is Intel's. */
const AMD = /^zen/;
const ARM = /^(neoverse|cortex|carmel|grace|oryon|ampere|m\d)/;

/**
 * Kind of a memory system. @param type ddr4, ddr5; undefined: unknown
 * @returns desktop `ddr4`, `ddr5` or `amd-ddr5`; `amd-server`, `intel-server`, `arm-server`, or `unified`
 */
export function memoryKind({ arch, form }: { readonly arch: string; readonly form: Form }, type: string | undefined): string {
  if (form === 'unified') return 'unified';
  if (form === 'server' || form === 'workstation') return AMD.test(arch) ? 'amd-server' : ARM.test(arch) ? 'arm-server' : 'intel-server';
  if (type !== undefined && /ddr[34]/.test(type)) return 'ddr4';
  // The fabric between Ryzen's dies carries less than two channels of DDR5.
  return AMD.test(arch) ? 'amd-ddr5' : 'ddr5';
}

/** Generation and form of a CPU by name; null: not listed. */
export function listedKind(name: string | undefined): { readonly generation: string; readonly form: Form } | null {
  const part = name === undefined ? null : CPUS.find(name);
  return part === null ? null : { generation: part.arch, form: part.form };
}

/** Bytes/s per direction between equal cards, by name (NVLink, Infinity Fabric); null: PCIe, or not listed. */
export const listedLink = (card: string): number | null => GPUS.find(card)?.link ?? null;

/** GeForce cards with tensor units, desktop and laptop; workstation names are in thousands (rtx-4000). */
const GEFORCE = /^rtx-[2-5]0[5-9]0/;

/**
 * True if the data sheet's FP16 rate with FP32 accumulation is half the tensor units' rate with integers and FP16 sums.
 */
export const isHalved = (card: string): boolean => GEFORCE.test(card);

/** Most memory bytes/s a multiprocessor to cover latency (Little's law): 5.7 (GB10) and 6.4 GB/s do, 7.5 does not. */
const COVERED = 7e9;

/** Enough multiprocessors for small kernels to reach nearly full bandwidth. */
export function isCovered(name: string): boolean {
  const { memoryBandwidth, units } = GPUS.find(name) ?? {};
  return units !== undefined && memoryBandwidth! / units <= COVERED;
}
