// Parts of a machine as controls of the page.

import { UserError } from '../base/errors.js';
import { GIB } from '../base/units.js';
import { GPUS, givenBy, isComposed, machineWords, parseMachine } from '../hardware/door.js';

/** Values of the controls; sizes in GiB. */
export interface MachineKnobs {
  /** First card; empty: no card. */
  readonly gpu: string;
  readonly gpus: number;
  /** Memory of a card; null: no separate memory. */
  readonly vram: number | null;
  readonly cpu: string;
  readonly ram: number;
  /** `most`: channels of the processors. Null: soldered or unknown memory. */
  readonly memory: { readonly channels: number; readonly most: number; readonly mts: number; readonly type: string } | null;
  /** Generation and lanes, e.g. `4x16`; null: no slot. */
  readonly pcie: string | null;
}

/** A control. */
export type Knob = 'channels' | 'cpu' | 'gpu' | 'gpus' | 'mts' | 'pcie' | 'ram' | 'vram';

/** Null: a file describes the machine. @throws UserError for an unknown machine */
export function knobsOf(name: string): MachineKnobs | null {
  if (!isComposed(name)) return null;
  const { cpu, gpus, pcie, ram, sockets, unified } = parseMachine(name);
  const [gpu] = gpus;
  return {
    gpu: gpu?.name ?? '',
    gpus: gpus.length,
    vram: gpu === undefined || unified ? null : gpu.memoryBytes / GIB,
    cpu: cpu?.name ?? '',
    ram: (ram?.bytes ?? 0) / GIB,
    memory:
      ram === null || cpu === null || unified
        ? null
        : { channels: ram.channels, most: sockets * cpu.memory.channels, mts: ram.mts, type: ram.type },
    pcie: pcie === null || gpus.length === 0 ? null : `${pcie.generation}x${pcie.lanes}`,
  };
}

/** Dependent parts return to defaults. @throws UserError */
export function turned(name: string, knob: Knob, value: string): string {
  const knobs = knobsOf(name);
  if (knobs === null) throw new UserError(`${name}: is described by a file; name its parts, e.g. rtx-3060+32GB`);
  const without = (...kinds: ReturnType<typeof givenBy>[]): string[] => machineWords(name).filter((word) => !kinds.includes(givenBy(word)));
  const { cpu, gpu, gpus, memory, ram, vram } = knobs;
  const cards = (count: number, gib: number | null): string =>
    `${count > 1 ? `${count}x` : ''}${gpu}${gib === null || gib === GPUS.find(gpu)!.memoryBytes / GIB ? '' : `:${gib}GB`}`;
  const slots = (channels: number, mts: number): string => `${channels}x${memory?.type}-${mts}`;
  const words = (): string[] => {
    switch (knob) {
      case 'gpu':
        return withGpu(without('gpus'), value, cpu);
      case 'gpus':
        return [cards(Number(value), vram), ...without('gpus')];
      case 'vram':
        return [cards(gpus, Number(value)), ...without('gpus')];
      case 'cpu':
        return [...without('cpu', 'memory'), value];
      case 'ram':
        return [...without('memoryBytes'), `${value}GB`];
      case 'channels':
        return [...without('memory'), slots(Number(value), memory?.mts ?? 0)];
      case 'mts':
        return [...without('memory'), slots(memory?.channels ?? 0, Number(value))];
      case 'pcie':
        return [...without('pcie'), `pcie${value}`];
    }
  };
  const changed = words();
  // A card alone may name a bundled machine with other memory.
  const text = (changed.length === 1 ? [...changed, `${ram}GB`] : changed).join('+');
  parseMachine(text);
  return text;
}

/** A chip with a GPU brings memory and CPU. */
function withGpu(words: readonly string[], gpu: string, cpu: string): string[] {
  if (gpu === '') {
    const others = words.filter((word) => givenBy(word) !== 'pcie');
    return others.some((word) => givenBy(word) === 'cpu') ? others : [cpu, ...others];
  }
  const { unified } = parseMachine(gpu);
  return [gpu, ...words.filter((word) => !unified || givenBy(word) === 'disks')];
}
