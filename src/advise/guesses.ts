import { ownValue } from '../base/objects.js';
import { CPUS, type HardwareSpec, memoryText, slotText, takenPartsOf, withArithmetic } from '../hardware/door.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';
import { withCpu, withHostMemory, withLink } from './what-if.js';

/** An assumed part, and the effect of a neighbouring part. */
export interface Guess {
  /** `memory 2xddr5-5200`. */
  readonly part: string;
  readonly other: string;
  /** Speed with `other` over speed with `part`. */
  readonly decode: number;
  readonly prefill: number;
}

/** Relative change of a speed that the verdict mentions. Ours. */
const MATTERS = 0.1;

/** Slowest and fastest modules in shops, MT/s. Ours. */
export const MODULES: Readonly<Record<string, readonly [number, number]>> = { ddr3: [1333, 1866], ddr4: [2666, 3600], ddr5: [4800, 6400] };

/** Assumed parts whose neighbours change a speed by more than 10 %. */
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

/** The machine with each assumed part exchanged for a neighbour. */
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
