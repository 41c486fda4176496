// The fastest that any schedule of transfers can be on a small world, found by trying all of them.

/** A small world: one expert at a time is demanded, all of one size, over a link of one lane. */
export interface SmallWorld {
  readonly experts: number;
  readonly slots: number;
  /** Experts demanded, one an event. */
  readonly demands: readonly number[];
  /** Whole units of time: work before each event, of an expert, and of a transfer. */
  readonly gap: number;
  readonly expert: number;
  readonly transfer: number;
}

/** Event, units left of its work, residents as bits, transfer in flight (expert, units left, kept or streamed). */
interface State {
  readonly event: number;
  readonly left: number;
  readonly executing: boolean;
  readonly resident: number;
  readonly flying: number;
  readonly flight: number;
  readonly streamed: boolean;
}

const bit = (id: number): number => 1 << id;

/** Members of a set of bits. */
const size = (set: number): number => {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
};

/**
 * Least time until all demands are executed. The link may start any transfer at any whole unit of time, in the place of any resident but
 * the one in use, or hand an expert to the event that waits for it without keeping it.
 */
export function exhaustive({ demands, expert, experts, gap, slots, transfer }: SmallWorld): number {
  let states: State[] = [{ event: 0, left: gap, executing: false, resident: 0, flying: -1, flight: 0, streamed: false }];
  for (let time = 0; ; time++) {
    const next = new Map<string, State>();
    for (const given of states) {
      for (const state of settled(given)) {
        if (state.event === demands.length) return time;
        for (const started of starts(state)) {
          const moved = {
            ...started,
            left: started.left > 0 ? started.left - 1 : 0,
            flight: started.flying >= 0 ? started.flight - 1 : 0,
          };
          next.set(JSON.stringify(moved), moved);
        }
      }
    }
    states = [...next.values()];
  }

  /** What happens at once: a transfer arrives, an event begins or ends. */
  function settled(state: State): State[] {
    let now = state;
    if (now.flying >= 0 && now.flight === 0) {
      // A streamed expert is executed from where it arrives, and only if its event waits for it.
      if (now.streamed) now = { ...now, flying: -1, executing: true, left: expert };
      else now = { ...now, flying: -1, resident: now.resident | bit(now.flying) };
    }
    for (;;) {
      if (now.event === demands.length || now.left > 0) return [now];
      if (now.executing) now = { ...now, event: now.event + 1, executing: false, left: gap };
      else if ((now.resident & bit(demands[now.event]!)) !== 0) now = { ...now, executing: true, left: expert };
      else return [now];
      if (now.event === demands.length) return [now];
    }
  }

  /** What may be started: nothing, or a transfer into a free slot or the place of one. */
  function* starts(state: State): Generator<State> {
    yield state;
    if (state.flying >= 0) return;
    const wanted = demands[state.event]!;
    const waiting = state.left === 0 && !state.executing;
    for (let id = 0; id < experts; id++) {
      if ((state.resident & bit(id)) !== 0) continue;
      const flying = { flying: id, flight: transfer };
      if (waiting && id === wanted) yield { ...state, ...flying, streamed: true };
      if (size(state.resident) < slots) yield { ...state, ...flying, streamed: false };
      else
        for (let out = 0; out < experts; out++)
          if ((state.resident & bit(out)) !== 0 && out !== wanted)
            yield { ...state, ...flying, resident: state.resident & ~bit(out), streamed: false };
    }
  }
}
