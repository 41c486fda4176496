import { ownValue } from '../base/objects.js';
import { CPUS, type HardwareSpec, memoryText, slotText, takenPartsOf, withArithmetic } from '../hardware/door.js';
import type { Question } from './question.js';
import type { Priced } from './search.js';
import { withCpu, withHostMemory, withLink } from './what-if.js';

/** A part that was taken, and what another one would change. */
export interface Guess {
  /** `memory 2xddr5-5200`. */
  readonly part: string;
  readonly other: string;
  /** Speeds with the other over those with the part: 1.2 is a fifth more. */
  readonly decode: number;
  readonly prefill: number;
}

/** Changes of a speed above which a guess belongs to the verdict. */
const MATTERS = 0.1;

/** The slowest and the fastest modules that shops list, million transfers a second. Ours to choose. */
export const MODULES: Readonly<Record<string, readonly [number, number]>> = { ddr3: [1333, 1866], ddr4: [2666, 3600], ddr5: [4800, 6400] };

/** Parts of the machine that were taken if nobody named them, and that move a speed by more than a tenth, by runs with their neighbours. */
export async function guessesOf({ hardware, pricer }: Question, { model, price, setting }: Priced): Promise<Guess[]> {
  const found: Guess[] = [];
  if (setting.fromDisk) return found;
  for (const { hardware: changed, ...words } of neighbours(hardware)) {
    const near = { model, hardware: changed, setting, cached: null };
    const guess = { ...words, decode: (await pricer.decode(near)) / price.decode, prefill: (await pricer.prefill(near)) / price.prefill };
    if (Math.max(Math.abs(guess.decode - 1), Math.abs(guess.prefill - 1)) > MATTERS) found.push(guess);
  }
  return found;
}

/** The machine with each part that was taken exchanged for its neighbour. */
function neighbours(hardware: HardwareSpec): (Pick<Guess, 'part' | 'other'> & { readonly hardware: HardwareSpec })[] {
  const { cpu, pcie, ram } = hardware.machine ?? {};
  return takenPartsOf(hardware).flatMap((text) => {
    if (text.startsWith('CPU')) {
      const fewer = CPUS.parts.filter(({ arch, cores, form }) => arch === cpu!.arch && form === cpu!.form && cores < cpu!.cores);
      const other = fewer.reduce((most, part) => (part.cores > most.cores ? part : most), fewer[0] ?? cpu!);
      const changed = withCpu(hardware, (device) => withArithmetic(device, other.cores / cpu!.cores));
      return { part: `CPU a ${cpu!.name}`, other: other.name, hardware: changed };
    }
    if (text.startsWith('PCIe'))
      return { part: `PCIe ${slotText(pcie!)}`, other: 'half the lanes', hardware: withLink(hardware, 'h2d', 0.5) };
    const part = `memory ${memoryText(ram!)}`;
    if (text.startsWith('Channels')) return { part, other: 'half the channels', hardware: withHostMemory(hardware, 0.5) };
    const [slow, fast] = ownValue(MODULES, ram!.type) ?? [ram!.mts, ram!.mts];
    const mts = ram!.mts / slow > fast / ram!.mts ? slow : fast;
    return { part, other: `${ram!.type}-${mts}`, hardware: withHostMemory(hardware, mts / ram!.mts) };
  });
}
