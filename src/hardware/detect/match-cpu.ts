import { editDistance } from '../../base/text.js';
import { partKey } from '../parts/catalogue.js';
import { CPUS, type CpuArch, type CpuPart } from '../parts/cpu.js';
import type { Match } from './match-gpu.js';
import type { SeenCpu } from './tools/seen.js';

/** Most letters between names of a series; ours: `epyc-7b13` and `epyc-7713`. */
const SLIP = 2;

/** Relative difference of equal clocks (ours): tools report steps of 50 or 100 MHz. */
const SAME_CLOCK = 0.01;

/** Architectures of AMD by family, and by its first and last model, from revision guides. */
const AMD: readonly (readonly [arch: CpuArch, family: number, first: number, last: number])[] = [
  ['zen1', 23, 0x00, 0x2f],
  ['zen2', 23, 0x30, 0xff],
  ['zen3', 25, 0x00, 0x0f],
  ['zen4', 25, 0x10, 0x1f],
  ['zen3', 25, 0x20, 0x5f],
  ['zen4', 25, 0x60, 0xff],
  ['zen5', 26, 0x00, 0xff],
];

/** Architectures of Intel by models of family 6, from arch/x86/include/asm/intel-family.h of Linux. */
const INTEL: readonly (readonly [arch: CpuArch, ...models: readonly number[]])[] = [
  ['sandy-bridge', 42, 45],
  ['ivy-bridge', 58, 62],
  ['haswell', 60, 63, 69, 70],
  ['broadwell', 61, 71, 79, 86],
  ['skylake', 78, 94],
  ['skylake-x', 85],
  ['ice-lake', 106, 108],
  ['sapphire-rapids', 143],
  ['emerald-rapids', 207],
  ['granite-rapids', 173, 174],
  ['kaby-lake', 142, 158, 165, 166],
  ['rocket-lake', 167],
  ['ice-lake-client', 125, 126, 140, 141],
  ['alder-lake', 151, 154],
  ['raptor-lake', 183, 186, 191],
  ['meteor-lake', 170],
  ['arrow-lake', 181, 197, 198],
  ['lunar-lake', 189],
  ['sierra-forest', 175],
];

/** Widest instruction set among the flags; null: none of the catalogue. */
export function isaOf(flags: readonly string[]): CpuPart['isa'] | null {
  const has = (pattern: RegExp): boolean => flags.some((flag) => pattern.test(flag));
  if (has(/^amx_(tile|int8|bf16)$/)) return 'amx';
  if (has(/^avx512_vnni$/)) return 'avx512-vnni';
  if (has(/^avx512f$/)) return 'avx512';
  if (has(/^avx2$/)) return 'avx2';
  return has(/^(asimd|neon)$/) ? 'neon' : null;
}

/** Part by name, else nearest by architecture; null: too few facts. */
export function matchCpu(seen: SeenCpu): Match<CpuPart> | null {
  const found = seen.names.flatMap((name) => CPUS.find(name) ?? [])[0];
  if (found !== undefined) return { part: found, exact: true };
  const isa = isaOf(seen.flags);
  const able = CPUS.parts.filter((part) => part.form !== 'unified' && (isa === null || part.isa === isa));
  const part = ofNearName(seen, able) ?? ofArchitecture(seen) ?? (isa === null ? null : nearestCores(ofForm(seen, able), seen));
  return part === null ? null : { part, exact: false };
}

function ofNearName(seen: SeenCpu, parts: readonly CpuPart[]): CpuPart | null {
  const keys = seen.names.map(partKey).filter((key) => /\d{3}/.test(key));
  const far = ({ name }: CpuPart): number => Math.min(...keys.map((key) => editDistance(partKey(name), key, SLIP)));
  const least = Math.min(...parts.map(far));
  return least > SLIP
    ? null
    : nearestCores(
        parts.filter((part) => far(part) === least),
        seen,
      );
}

/**
 * Part of equal architecture and form, nearest in base clock; for a virtual machine the largest, as hosts are large.
 */
function ofArchitecture(seen: SeenCpu): CpuPart | null {
  const arch = architectureOf(seen);
  if (arch === null) return null;
  const fitting = ofForm(
    seen,
    CPUS.parts.filter((part) => part.arch === arch),
  );
  const clock = ({ clockHz }: CpuPart): number => (seen.clockHz === undefined ? 0 : Math.abs(Math.log(clockHz / seen.clockHz)));
  const least = Math.min(...fitting.map(clock));
  const near = fitting.filter((part) => clock(part) <= least + SAME_CLOCK);
  return seen.hypervisor === undefined ? nearestCores(near, seen) : ([...near].sort((a, b) => b.cores - a.cores)[0] ?? null);
}

function architectureOf({ family, flags, model, names, vendor }: SeenCpu): CpuArch | null {
  const maker = `${vendor ?? ''} ${names.join(' ')}`;
  if (family === undefined || model === undefined) return null;
  if (/amd|epyc|ryzen/i.test(maker))
    return AMD.find(([, of, first, last]) => of === family && model >= first && model <= last)?.[0] ?? null;
  if (family !== 6 || !/intel|xeon/i.test(maker)) return null;
  if (model === 85 && flags.includes('avx512_vnni')) return 'cascade-lake';
  return INTEL.find(([, ...models]) => models.includes(model))?.[0] ?? null;
}

function ofForm({ hypervisor, names }: SeenCpu, parts: readonly CpuPart[]): readonly CpuPart[] {
  const name = names.join(' ');
  const form = /threadripper/i.test(name)
    ? 'workstation'
    : /epyc|xeon|neoverse/i.test(name) || hypervisor !== undefined
      ? 'server'
      : 'desktop';
  const fitting = parts.filter((part) => part.form === form);
  return fitting.length > 0 ? fitting : parts;
}

function nearestCores(parts: readonly CpuPart[], { cores, sockets }: SeenCpu): CpuPart | null {
  const distance = (part: CpuPart): number => Math.abs(Math.log((part.cores * sockets) / cores));
  return [...parts].sort((a, b) => distance(a) - distance(b))[0] ?? null;
}
