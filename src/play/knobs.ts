// The parts of a machine as controls of a page: the values that its name gives or takes for granted, and the name with one of them changed.
import { UserError } from '../base/errors.js';
import { GPUS, givenBy, isComposed, machineWords, parseMachine } from '../hardware/door.js';

/** Values of the controls. Sizes are in GiB. */
export interface MachineKnobs {
  /** The first card; empty: there is none. */
  readonly gpu: string;
  readonly gpus: number;
  /** Memory of the card; null: there is none of its own. */
  readonly vram: number | null;
  readonly cpu: string;
  readonly ram: number;
  /** `most`: channels that the processors have. Null: memory is soldered, or nothing is known of it. */
  readonly memory: { readonly channels: number; readonly most: number; readonly mts: number; readonly type: string } | null;
  /** Generation and lanes: `4x16`; null: there is no slot. */
  readonly pcie: string | null;
}

/** A control. */
export type Knob = 'channels' | 'cpu' | 'gpu' | 'gpus' | 'mts' | 'pcie' | 'ram' | 'vram';

const GIB = 2 ** 30;

/** The controls of a machine; null: it is described by a file, which has no parts to change. @throws UserError if it is none */
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

/** The machine with a control at another value. Parts that go with a part that is replaced are taken for granted again. @throws UserError */
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
  // A card alone may be the name of a bundled machine, which has its own memory.
  const text = (changed.length === 1 ? [...changed, `${ram}GB`] : changed).join('+');
  parseMachine(text);
  return text;
}

/** Another card beside the same parts, or none; a chip with a GPU brings its own memory and CPU. */
function withGpu(words: readonly string[], gpu: string, cpu: string): string[] {
  if (gpu === '') {
    const others = words.filter((word) => givenBy(word) !== 'pcie');
    return others.some((word) => givenBy(word) === 'cpu') ? others : [cpu, ...others];
  }
  const { unified } = parseMachine(gpu);
  return [gpu, ...words.filter((word) => !unified || givenBy(word) === 'disks')];
}
