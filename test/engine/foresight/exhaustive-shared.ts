// The fastest that any schedule of transfers and shares of the CPU can be on a small world, found by trying all of them. It is freer than the
// laws: nothing is pinned or judged, and what is streamed may be executed any time later in its event. A bound must not be above it.
import type { WorldEvent } from './known-world.js';

/** A small world: events of a few members, over a link of one lane, beside a CPU of one queue. Whole units of time. */
export interface SharedWorld {
  readonly events: readonly WorldEvent[];
  readonly experts: number;
  readonly slots: number;
  readonly transfer: number;
  readonly handover: number;
  readonly cpu: boolean;
}

/** Fields of a state; expert `NONE` stands for none. */
interface State {
  readonly event: number;
  /** Units left of the work before its members are known. */
  readonly gap: number;
  /** Members that nobody executes yet, as bits. */
  readonly todo: number;
  readonly gpu: number;
  readonly gpuLeft: number;
  readonly cpu: number;
  readonly cpuLeft: number;
  /** 0: members are not known; 1: the CPU has its activations; more: units of the hand-over that are left, and one. */
  readonly opening: number;
  readonly resident: number;
  readonly flying: number;
  readonly flight: number;
  readonly kept: number;
  readonly streamed: number;
}
const NONE = 7;

/** All fields in 41 bits. */
function packed(s: State): number {
  const executed = (((s.event << 2) | s.gap) << 4) | s.todo;
  const high = (((((((executed << 3) | s.gpu) << 4) | s.gpuLeft) << 3) | s.cpu) << 5) | s.cpuLeft;
  const low = (((((((s.resident << 3) | s.flying) << 3) | s.flight) << 1) | s.kept) << 4) | s.streamed;
  return ((high << 2) | s.opening) * 2 ** 15 + low;
}

const bit = (id: number): number => 1 << id;

function size(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Least time until all events have ended; null: more than `most` states at one moment. */
export function exhaustiveShared(world: SharedWorld, most: number): number | null {
  const { events } = world;
  const first = { ...begun(events, 0), resident: 0, flying: NONE, flight: 0, kept: 0 };
  let states: State[] = [first];
  for (let time = 0; states.length <= most; time++) {
    const next = new Map<number, State>();
    for (const given of states) {
      const state = settled(given, world);
      if (state.event === events.length) return time;
      for (const chosen of choices(state, world)) {
        const later = moved(chosen);
        next.set(packed(later), later);
      }
    }
    states = [...next.values()];
  }
  return null;
}

/** The fields of an event that begins with the work before it. */
function begun(events: readonly WorldEvent[], event: number): Omit<State, 'resident' | 'flying' | 'flight' | 'kept'> {
  const gap = events[event]?.gap ?? 0;
  return { event, gap, todo: 0, gpu: NONE, gpuLeft: 0, cpu: NONE, cpuLeft: 0, opening: 0, streamed: 0 };
}

/** What happens at once: a transfer arrives, an execution ends, an event begins or ends. */
function settled(state: State, { events, handover }: SharedWorld): State {
  let now = state;
  if (now.flying !== NONE && now.flight === 0) {
    const arrived = bit(now.flying);
    now = now.kept === 1 ? { ...now, resident: now.resident | arrived } : { ...now, streamed: now.streamed | arrived };
    now = { ...now, flying: NONE, kept: 0 };
  }
  if (now.gpu !== NONE && now.gpuLeft === 0) now = { ...now, gpu: NONE };
  if (now.cpu !== NONE && now.cpuLeft === 0) now = { ...now, cpu: NONE };
  while (now.event < events.length && now.gap === 0) {
    if (now.opening === 0) {
      const todo = events[now.event]!.members.reduce((set, { id }) => set | bit(id), 0);
      now = { ...now, todo, opening: 1 + handover };
    }
    if (now.todo !== 0 || now.gpu !== NONE || now.cpu !== NONE) break;
    const { flight, flying, kept, resident } = now;
    now = { ...begun(events, now.event + 1), resident, flying, flight, kept };
  }
  return now;
}

/** What may begin at this moment: an execution on each processor, and a transfer. */
function* choices(state: State, world: SharedWorld): Generator<State> {
  for (const executing of executions(state, world)) {
    yield executing;
    if (state.flying !== NONE) continue;
    for (let id = 0; id < world.experts; id++) if ((state.resident & bit(id)) === 0) yield* transfers(executing, state, id, world);
  }
}

function* executions(state: State, { cpu, events }: SharedWorld): Generator<State> {
  yield state;
  if (state.gap > 0) return;
  const { members } = events[state.event]!;
  const ready = members.filter(({ id }) => (state.todo & bit(id)) !== 0);
  const onGpu = state.gpu === NONE ? ready.filter(({ id }) => ((state.resident | state.streamed) & bit(id)) !== 0) : [];
  const onCpu = cpu && state.cpu === NONE && state.opening === 1 ? ready : [];
  for (const a of onGpu) yield { ...state, todo: state.todo & ~bit(a.id), gpu: a.id, gpuLeft: a.gpu };
  for (const b of onCpu) {
    const shared = { ...state, todo: state.todo & ~bit(b.id), cpu: b.id, cpuLeft: b.cpu };
    yield shared;
    for (const a of onGpu) if (a.id !== b.id) yield { ...shared, todo: shared.todo & ~bit(a.id), gpu: a.id, gpuLeft: a.gpu };
  }
}

function* transfers(
  executing: State,
  { gap, resident, todo }: State,
  id: number,
  { experts, slots, transfer }: SharedWorld,
): Generator<State> {
  const flying = { ...executing, flying: id, flight: transfer };
  if (gap === 0 && (todo & bit(id)) !== 0) yield { ...flying, kept: 0 };
  if (size(resident) < slots) yield { ...flying, kept: 1 };
  else
    for (let out = 0; out < experts; out++)
      if ((resident & bit(out)) !== 0) yield { ...flying, kept: 1, resident: executing.resident & ~bit(out) };
}

/** The same one unit of time later. */
function moved(state: State): State {
  const { cpu, flying, gap, gpu, opening } = state;
  return {
    ...state,
    gap: Math.max(0, gap - 1),
    opening: gap === 0 && opening > 1 ? opening - 1 : opening,
    gpuLeft: gpu === NONE ? 0 : state.gpuLeft - 1,
    cpuLeft: cpu === NONE ? 0 : state.cpuLeft - 1,
    flight: flying === NONE ? 0 : state.flight - 1,
  };
}
