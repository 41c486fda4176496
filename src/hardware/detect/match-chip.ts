// Finds a chip whose GPU and CPU share one memory (Jetson, Apple silicon, Strix Halo), from names, board and cores.
import { CPUS, type CpuPart } from '../parts/cpu.js';
import { GPUS, type GpuPart } from '../parts/gpu.js';
import { matchCpu } from './match-cpu.js';
import { matchGpu } from './match-gpu.js';
import type { Seen } from './tools/seen.js';

/** The part whose GPU and CPU share one memory; null: the machine has no such chip, or a card beside it. */
export function matchChip({ board, cpu, gpus = [], memoryBytes }: Seen): GpuPart | CpuPart | null {
  const jetson = /jetson[\w -]*?(agx thor|agx orin|orin nx|orin nano|agx xavier)/i.exec(board ?? '')?.[1];
  if (jetson !== undefined) return jetsonOf(jetson, /super/i.test(board!), memoryBytes);
  const cards = gpus.flatMap((gpu) => matchGpu(gpu)?.part ?? []);
  const own = cards.find(({ unified }) => unified === true);
  if (cards.some(({ unified }) => unified !== true)) return null;
  const name = cpu === undefined ? undefined : matchCpu(cpu);
  const family = name?.exact === true ? CPUS.parts.filter((part) => isVariant(part.name, name.part.name)) : [];
  const variants = GPUS.parts.filter(({ chip }) => family.some((part) => part.name === chip));
  if (variants.length === 0) return own ?? null;
  const cores = gpus.find((gpu) => gpu.cores !== undefined)?.cores;
  const told = variants.find((part) => cores !== undefined && part.name.endsWith(`-gpu-${cores}`));
  if (told !== undefined) return told;
  const same = family.find((part) => part.cores === cpu!.cores) ?? name!.part;
  return own !== undefined && own.chip === same.name ? own : same;
}

/** `apple-m4-max` and `apple-m4-max-14`. */
function isVariant(name: string, base: string): boolean {
  return name === base || (name.startsWith(`${base}-`) && /^\d+$/.test(name.slice(base.length + 1)));
}

/** A Jetson by its module and memory, of which it shows a little less than it has. */
function jetsonOf(module: string, isSuper: boolean, bytes = Number.POSITIVE_INFINITY): GpuPart | null {
  const base = `jetson-${module.toLowerCase().replace(' ', '-')}`;
  const parts = GPUS.parts.filter(({ name }) => name.startsWith(base) && name.endsWith('-super') === isSuper);
  const large = parts.filter(({ memoryBytes }) => memoryBytes >= bytes * 0.95).sort((a, b) => a.memoryBytes - b.memoryBytes);
  return large[0] ?? parts[0] ?? null;
}
