// Faults as they strike links and the CPU: at the first layer whose routing becomes known at or after their time. What has been placed
// by then keeps its speed (L10), with one exception: a prefetch on a lane that is lost runs again on another.
import { UserError } from '../base/errors.js';
import type { CostModel } from '../hardware/cost.js';
import { type Fault, isInEffect } from '../system/faults.js';
import type { RunSpec } from '../system/run.js';
import type { Link } from './link.js';

/**
 * The faults of a run; null: nothing goes wrong.
 * @param links that experts cross in this run; null and absent ones are left out
 * @throws UserError as {@link Faults}
 */
export function faultsOf(run: RunSpec, links: readonly (Link | null | undefined)[], costs: readonly CostModel[]): Faults | null {
  if (run.faults === undefined) return null;
  return new Faults(
    run.faults,
    links.filter((link) => link != null),
    costs,
    run.label,
  );
}

/** Strikes a run's links and CPU. */
export class Faults {
  /** When something changes next; Infinity: nothing will. */
  nextNs: number;
  readonly #faults: readonly Fault[];
  readonly #links: readonly Link[];
  readonly #costs: readonly CostModel[];
  /** Times at which a fault begins or ends, ascending. */
  readonly #boundariesNs: readonly number[];

  /**
   * @param links that experts cross in this run; several of one name where there are several GPUs
   * @param costs that price the CPU's work
   * @param place where the faults stand, for messages
   * @throws UserError where a fault hits what the run does not use, or takes a link's last lane
   */
  constructor(faults: readonly Fault[], links: readonly Link[], costs: readonly CostModel[], place: string) {
    this.#faults = faults;
    this.#links = links;
    this.#costs = costs;
    const times = faults.flatMap(({ at, until }) => (until === undefined ? [at] : [at, until]));
    this.#boundariesNs = [...new Set(times)].sort((a, b) => a - b);
    this.nextNs = this.#boundariesNs[0] ?? Number.POSITIVE_INFINITY;
    for (const [index, { link: name, cpu }] of faults.entries()) {
      const where = `${place}: faults.${index}`;
      if (cpu !== undefined && costs.every(({ handoverNs }) => handoverNs === Number.POSITIVE_INFINITY))
        throw new UserError(`${where}.cpu: the machine has no CPU that computes experts; leave the fault out`);
      if (name !== undefined && links.every((link) => link.name !== name)) {
        const used = [...new Set(links.map((link) => link.name))].join(', ');
        throw new UserError(`${where}.link: no expert crosses ${name} in this run; it uses ${used === '' ? 'no link' : used}`);
      }
    }
    for (const ns of this.#boundariesNs) {
      for (const link of links) {
        if (this.#lanes(link, ns) >= 1) continue;
        throw new UserError(
          `${place}: faults: ${link.name} has ${link.lanes} lane${link.lanes === 1 ? '' : 's'} and would lose the last; leave it one, or take its bandwidth`,
        );
      }
    }
  }

  /** Brings links and CPU into the state that they have at `nowNs`. */
  strike(nowNs: number): void {
    for (const link of this.#links) {
      link.throttle(this.#share('bandwidth', nowNs, link.name));
      link.keepLanes(this.#lanes(link, nowNs), nowNs);
    }
    for (const cost of this.#costs) cost.throttleCpu(this.#share('cpu', nowNs));
    this.nextNs = this.#boundariesNs.find((ns) => ns > nowNs) ?? Number.POSITIVE_INFINITY;
  }

  /** Transfers that ran again because their lane was lost. */
  get restarts(): number {
    return this.#links.reduce((sum, link) => sum + link.restarts, 0);
  }

  /** Share that the faults in effect leave: several of one kind multiply. */
  #share(of: 'bandwidth' | 'cpu', nowNs: number, link?: string): number {
    const hits = this.#faults.filter((fault) => fault[of] !== undefined && fault.link === link && isInEffect(fault, nowNs));
    return hits.reduce((share, fault) => share * fault[of]!, 1);
  }

  #lanes({ lanes, name }: Link, nowNs: number): number {
    const hits = this.#faults.filter((fault) => fault.lanes !== undefined && fault.link === name && isInEffect(fault, nowNs));
    return hits.reduce((left, fault) => left + fault.lanes!, lanes);
  }
}
