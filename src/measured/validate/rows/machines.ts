import { CPUS, GPUS } from '../../../hardware/door.js';
import type { Measurement } from './measurement.js';

type RowMachine = Measurement['machine'];

/** Vote of each machine: the first name with equal cards, CPU and memory. An unknown CPU never shares a vote. */
export function votesOf(machines: readonly RowMachine[]): Map<string, string> {
  const votes = new Map<string, string>();
  const ofParts = new Map<string, string>();
  const root = (name: string): string => (votes.get(name) === name ? name : root(votes.get(name)!));
  for (const machine of machines) {
    if (!votes.has(machine.name)) votes.set(machine.name, machine.name);
    const parts = partsOf(machine);
    const [left, other] = [root(machine.name), root(ofParts.get(parts) ?? machine.name)];
    ofParts.set(parts, other);
    const first = [...votes.keys()].find((name) => name === left || name === other)!;
    votes.set(left, first).set(other, first);
  }
  return new Map([...votes.keys()].map((name) => [name, root(name)]));
}

function partsOf({ cpu, gpus, name, ram, unified }: RowMachine): string {
  if (cpu?.name === undefined) return name;
  const cards = unified === true ? [] : gpus.map((gpu) => gpu.name).sort();
  return JSON.stringify([cards, cpu.name, cpu.sockets ?? 1, ram?.type ?? null, ram?.mts ?? null, ram?.channels ?? null]);
}

/** Kinds of machines, in report order. */
export const MACHINE_KINDS = ['desktop', 'server', 'laptop or one memory', 'CPU only', 'streams from SSD'] as const;

/** Server CPUs outside the catalogue. */
const SERVERS = /epyc|xeon|threadripper|graviton|neoverse/;
/** Memory channels beyond any desktop computer. */
const SERVER_CHANNELS = 4;

/** Kind of a row's machine; an unnamed CPU without a server's card counts as a desktop's. */
export function machineKindOf({ machine, placement }: Measurement): (typeof MACHINE_KINDS)[number] {
  const { cpu, gpus, ram, unified } = machine;
  if (placement.kind === 'ssd-stream') return 'streams from SSD';
  if (gpus.length === 0 || placement.kind === 'all-cpu') return 'CPU only';
  if (unified === true) return 'laptop or one memory';
  const cards = gpus.map(({ name }) => GPUS.find(name)?.form);
  if (cards.includes('server') || SERVERS.test(cpu?.name ?? '') || (cpu?.sockets ?? 1) > 1 || (ram?.channels ?? 0) >= SERVER_CHANNELS)
    return 'server';
  return cards.includes('laptop') || CPUS.find(cpu?.name ?? '')?.form === 'laptop' ? 'laptop or one memory' : 'desktop';
}

/** Classes of machines and programs to leave out of a fit. */
export const ROW_CLASSES = ['CPU generation', 'instruction set', 'engine', 'backend'] as const;
/** Class of a row by kind; null: unknown. */
export type RowClasses = Readonly<Record<(typeof ROW_CLASSES)[number], string | null>>;

/** Classes of a row. @param backend runtime profile */
export function classesOf({ engine, machine: { cpu } }: Measurement, backend: string): RowClasses {
  return {
    'CPU generation': CPUS.find(cpu?.name ?? '')?.arch ?? null,
    'instruction set': cpu?.isa ?? null,
    engine,
    backend,
  };
}
