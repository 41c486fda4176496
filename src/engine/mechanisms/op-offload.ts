import type { HardwareSpec } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { EachMiss, Service } from '../event/place-each.js';
import { Around } from '../event/service.js';
import type { Mechanism } from './mechanism.js';
import { cpuIsSooner } from './on-cpu.js';

/** Tokens of a pass from which the GPU serves the CPU's misses; Infinity: never. */
function offloadFrom({ software }: HardwareSpec, { layers }: ModelSpec): number {
  if (software === undefined || software.offloadFrom === null) return Number.POSITIVE_INFINITY;
  if (software.offloadCounts === 'pass') return software.offloadFrom;
  const { experts, topK } = layers[layers.length >> 1]!;
  return (software.offloadFrom * experts) / topK;
}

/** Streams the CPU's members to the GPU in passes of enough tokens. */
class Offloaded extends Around {
  readonly #from: number;
  readonly #ifSooner: boolean;

  /** @param ifSooner true: streams only members computed sooner by the GPU */
  constructor(cpu: Service, placing: EachMiss, from: number, ifSooner: boolean) {
    super(cpu, placing);
    this.#from = from;
    this.#ifSooner = ifSooner;
  }

  serve(layer: number, i: number): boolean {
    const { placing } = this;
    const few = placing.event.tokens < this.#from;
    if (few || (this.#ifSooner && cpuIsSooner(placing, layer, i, false))) return this.inner.serve(layer, i);
    placing.bring(layer, i, false, false);
    if (this.#ifSooner) placing.flush(layer);
    return false;
  }
}

/** L13: in passes of many tokens the GPU serves the CPU's misses, except by rules with a condition. */
export const OP_OFFLOAD: Mechanism = {
  name: 'op-offload',
  law: 'L13',
  inRun({ plan: { layout }, rules }) {
    if (!rules.some((rule) => rule.do === 'cpu' && rule.when === null)) return null;
    const { hardware } = layout;
    return {
      on({ gpu: { model } }) {
        const from = offloadFrom(hardware, model);
        if (from === Number.POSITIVE_INFINITY) return null;
        const ifSooner = hardware.software?.offloadIfSooner === true;
        return {
          around: (service, placing, rule) =>
            rule.do === 'cpu' && rule.when === null ? new Offloaded(service, placing, from, ifSooner) : service,
        };
      },
    };
  },
};
