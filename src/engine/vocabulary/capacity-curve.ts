import { BeladyCurve } from '../../cache/curves/belady-curve.js';
import { LruCurve } from '../../cache/curves/lru-curve.js';
import type { Scope } from '../../cache/scope.js';
import { expertBytesTotal, type ModelSpec } from '../../model/door.js';
import type { CapacityCurve } from '../../result/details.js';

/** Evenly spaced. Ours: include a twelfth, a quarter, a third and a half; a line through all is smooth. */
const STEPS = 12;

/** Words of events counted together. Ours: a tenth less time with details than event by event. */
const TOGETHER = 1 << 14;

/** Hits of a GPU's expert caches at several capacities, without stored demand. */
export class CapacityMeter {
  members = 0;
  /** Capacities, as shares of all experts of the GPU. */
  readonly bytes: readonly number[];
  readonly #lru: LruCurve;
  /** Pending events: layer, number of members, members. */
  readonly #events: Int32Array;
  readonly #members: Int32Array;
  #used = 0;
  readonly #belady: BeladyCurve;

  /** @param ownBytes the run's capacity @param preloaded true: experts are cached at first */
  constructor(model: ModelSpec, scope: Scope, ownBytes: number, preloaded: boolean) {
    const whole = expertBytesTotal(model);
    this.bytes = Array.from({ length: STEPS }, (_, step) => Math.round(whole * ((step + 1) / STEPS)));
    const widest = model.layers.reduce((most, { experts }) => Math.max(most, experts), 1);
    this.#members = new Int32Array(widest);
    this.#events = new Int32Array(Math.max(TOGETHER, 2 + widest));
    this.#belady = new BeladyCurve(model, scope, [...this.bytes, ownBytes], preloaded);
    this.#lru = new LruCurve(
      model,
      scope,
      this.bytes.map((bytes) => ({ bytes, quotas: null })),
    );
  }

  /** @param ids distinct members in L3 order, the first `count` entries */
  event(layer: number, ids: Int32Array, count: number): void {
    this.members += count;
    if (this.#used + 2 + count > this.#events.length) this.#count();
    const events = this.#events;
    let at = this.#used;
    events[at++] = layer;
    events[at++] = count;
    for (let i = 0; i < count; i++) events[at++] = ids[i]!;
    this.#used = at;
  }

  #count(): void {
    const events = this.#events;
    for (const curve of [this.#belady, this.#lru]) {
      for (let at = 0; at < this.#used; ) {
        const layer = events[at++]!;
        const count = events[at++]!;
        for (let i = 0; i < count; i++) this.#members[i] = events[at++]!;
        curve.event(layer, this.#members, count);
      }
    }
    this.#used = 0;
  }

  hits(): { belady: readonly number[]; lru: readonly number[] } {
    this.#count();
    const lru = this.#lru.counts().map(({ hits }) => hits.reduce((sum, count) => sum + count, 0));
    return { belady: this.#belady.hits().slice(0, STEPS), lru };
  }

  /** Hits at the run's initial capacity, evenly split, as in `BeladyBound`. */
  get ownBound(): number {
    this.#count();
    return this.#belady.hits().at(-1)!;
  }
}

/** Sum over GPUs at equal shares. @returns capacities and hit rates; null without demand */
export function capacityCurve(gpus: readonly { readonly curve: CapacityMeter | null }[]): CapacityCurve | null {
  const meters = gpus.flatMap(({ curve }) => (curve === null ? [] : [curve]));
  const members = meters.reduce((sum, meter) => sum + meter.members, 0);
  if (members === 0) return null;
  const sums = (columns: readonly (readonly number[])[]): number[] =>
    columns[0]!.map((_, step) => columns.reduce((sum, column) => sum + column[step]!, 0));
  const hits = meters.map((meter) => meter.hits());
  return {
    bytes: sums(meters.map(({ bytes }) => bytes)),
    belady: sums(hits.map(({ belady }) => belady)).map((count) => count / members),
    lru: sums(hits.map(({ lru }) => lru)).map((count) => count / members),
  };
}
