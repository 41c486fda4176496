/** State before a request's next tokens. */
export interface Continuation {
  readonly state: Float32Array;
  /** Earlier token ids missing from the state. */
  readonly missed: readonly number[];
}

interface Kept {
  request: number;
  /** Tokens before states `before` and `after`. */
  from: number;
  to: number;
  readonly before: Float32Array;
  readonly after: Float32Array;
  ids: number[];
}

/** States by slot, after and before the last pass: tokens may be rejected or run again. */
export class KeptStates {
  readonly #width: number;
  readonly #slots: (Kept | undefined)[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** From zero without a kept state, as after a cached prompt. */
  at(slot: number, request: number, position: number): Continuation {
    const kept = this.#slots[slot];
    if (kept !== undefined && kept.request === request && position > 0) {
      if (position === kept.to) return { state: kept.after, missed: [] };
      if (position >= kept.from && position < kept.to) return { state: kept.before, missed: kept.ids.slice(0, position - kept.from) };
    }
    return { state: new Float32Array(this.#width), missed: [] };
  }

  /** Keeps a pass. @param position of the first token @param after state after the tokens */
  keep(
    slot: number,
    request: number,
    position: number,
    { missed, state }: Continuation,
    ids: readonly number[],
    after: Float32Array,
  ): void {
    const kept = (this.#slots[slot] ??= {
      request: -1,
      from: 0,
      to: 0,
      before: new Float32Array(this.#width),
      after: new Float32Array(this.#width),
      ids: [],
    });
    kept.before.set(state);
    kept.after.set(after);
    kept.request = request;
    kept.from = position - missed.length;
    kept.to = position + ids.length;
    kept.ids = [...missed, ...ids];
  }
}
