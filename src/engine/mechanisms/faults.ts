import type { UserError } from '../../base/errors.js';
import { formatCounted } from '../../base/units.js';
import type { CostModel } from '../../hardware/door.js';
import { type Fault, hits, isInEffect, misfit } from '../../system/door.js';
import type { Link } from '../transfer/link.js';
import type { RunHooks } from '../vocabulary/hooks.js';
import type { Mechanism } from './mechanism.js';

/** Links and CPU, from the next known layer on. Earlier transfers keep their speed (L10), except on lost lanes. */
export class Faults implements RunHooks {
  /** Time of the next change, ns; Infinity: no change. */
  nextNs: number;
  readonly #faults: readonly Fault[];
  readonly #links: readonly { readonly link: Link; readonly gpu: number }[];
  readonly #costs: readonly CostModel[];
  /** Begins and ends of faults, ns, ascending. */
  readonly #boundariesNs: readonly number[];

  /**
   * @param links by GPU @param refuse makes an error of path and text @throws UserError if a part is missing or unused,
   * or the last lane is lost
   */
  constructor(
    faults: readonly Fault[],
    links: readonly (readonly Link[])[],
    costs: readonly CostModel[],
    refuse: (path: string, message: string) => UserError,
  ) {
    this.#faults = faults;
    this.#links = links.flatMap((ofGpu, gpu) => ofGpu.map((link) => ({ link, gpu })));
    this.#costs = costs;
    const times = faults.flatMap(({ at, until }) => (until === undefined ? [at] : [at, until]));
    this.#boundariesNs = [...new Set(times)].sort((a, b) => a - b);
    this.nextNs = this.#boundariesNs[0] ?? Number.POSITIVE_INFINITY;
    const names = [...new Set(links.flat().map(({ name }) => name))];
    for (const [index, { cpu, gpu = 0, link }] of faults.entries()) {
      const where = `faults.${index}`;
      if (gpu >= links.length) {
        const there = links.length === 1 ? 'one GPU, number 0' : `${links.length} GPUs, numbers 0 to ${links.length - 1}`;
        throw refuse(`${where}.gpu`, `there is no GPU ${gpu}; the machine has ${there}`);
      }
      if (cpu !== undefined && costs.every(({ handoverNs }) => handoverNs === Number.POSITIVE_INFINITY))
        throw refuse(`${where}.cpu`, `the machine has no CPU that computes experts; leave the fault out`);
      if (link !== undefined && !names.includes(link)) {
        const used = names.length === 0 ? 'no link' : names.join(', ');
        throw refuse(`${where}.link`, `no expert crosses ${link} in this run; it uses ${used}`);
      }
    }
    for (const ns of this.#boundariesNs) {
      for (const { gpu, link } of this.#links) {
        if (this.#lanes(link, gpu, ns) >= 1) continue;
        throw refuse(
          'faults',
          `${link.name} has ${formatCounted(link.lanes, 'lane')} and would lose the last; leave it one, or take its bandwidth`,
        );
      }
    }
  }

  routed(nowNs: number): void {
    if (nowNs < this.nextNs) return;
    for (const { gpu, link } of this.#links) {
      link.throttle(this.#share('bandwidth', gpu, nowNs, link.name));
      link.keepLanes(this.#lanes(link, gpu, nowNs), nowNs);
    }
    for (const cost of this.#costs) cost.throttleCpu(this.#share('cpu', 0, nowNs));
    this.nextNs = this.#boundariesNs.find((ns) => ns > nowNs) ?? Number.POSITIVE_INFINITY;
  }

  get restarts(): number {
    return this.#links.reduce((sum, { link }) => sum + link.restarts, 0);
  }

  /** Share left by current faults; faults of a kind multiply. */
  #share(of: 'bandwidth' | 'cpu', gpu: number, nowNs: number, link?: string): number {
    return this.#inEffect(gpu, nowNs, link).reduce((share, fault) => share * (fault[of] ?? 1), 1);
  }

  #lanes({ lanes, name }: Link, gpu: number, nowNs: number): number {
    return this.#inEffect(gpu, nowNs, name).reduce((left, fault) => left + (fault.lanes ?? 0), lanes);
  }

  #inEffect(gpu: number, nowNs: number, link?: string): Fault[] {
    return this.#faults.filter((fault) => fault.link === link && hits(fault, gpu) && isInEffect(fault, nowNs));
  }
}

/** Links and CPU slower for a time, or lanes lost. */
export const FAULTS: Mechanism = {
  name: 'faults',
  law: 'L10',
  inRun({ plan: { run } }) {
    const { faults } = run;
    if (faults === undefined) return null;
    const refuse = (path: string, message: string): UserError => misfit(run, path, message);
    return {
      composed(gpus) {
        const [links, costs] = [gpus.map((gpu) => gpu.links), gpus.map(({ cost }) => cost)];
        return new Faults(faults, links, costs, refuse);
      },
    };
  },
};
