// Reads a timeline as a viewer does, and says what a viewer would complain about.

/** One trace event, as far as timelines have them. Times in whole ns. */
interface Event {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: string;
  readonly s?: string;
  readonly cname?: string;
  readonly args?: Readonly<Record<string, string | number>>;
}

/** A slice in whole ns. */
export interface Slice {
  readonly tid: number;
  readonly name: string;
  readonly category: string;
  readonly start: number;
  readonly end: number;
  readonly args: Readonly<Record<string, string | number>>;
}

/** A flow: the slices that its points bind to. */
type Flow = readonly { readonly ns: number; readonly slice: Slice }[];

/** A parsed file. */
export interface Parsed {
  readonly events: readonly Event[];
  readonly slices: readonly Slice[];
  readonly flows: readonly Flow[];
  /** Names of tracks by tid, of groups by pid. */
  readonly tracks: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
  readonly about: Readonly<Record<string, unknown>>;
}

/** Names that chrome://tracing has in its palette. */
const PALETTE = [
  'thread_state_sleeping',
  'thread_state_runnable',
  'generic_work',
  'good',
  'bad',
  'terrible',
  'black',
  'grey',
  'yellow',
  'olive',
  'rail_response',
  'rail_animation',
  'rail_idle',
  'rail_load',
];

/** Nanoseconds of a time in microseconds: Perfetto multiplies by 1000 and rounds. */
const ns = (us: number): number => Math.round(us * 1000);

/** What a file has, before slices are bound to one another. */
interface Contents {
  readonly tracks: Map<number, string>;
  readonly groups: Map<number, string>;
  readonly byTrack: Map<number, Slice[]>;
  /** Points of flows, by the number of the flow. */
  readonly points: Map<number, Event[]>;
}

/**
 * Parses the text of a timeline.
 * @throws Error for whatever a viewer would drop, warn of, or show wrong
 */
export function parseTimeline(text: string): Parsed {
  const numbers = [...text.matchAll(/"(?:ts|dur)":([^,}]*)/g)].map((match) => match[1]!);
  const odd = numbers.find((number) => !/^(0|[1-9]\d*)\.\d{3}$/.test(number));
  if (odd !== undefined) throw new Error(`${odd} is no time with three decimals`);
  const file = JSON.parse(text) as { displayTimeUnit: string; traceEvents: Event[]; otherData: Record<string, unknown> };
  const contents: Contents = { tracks: new Map(), groups: new Map(), byTrack: new Map(), points: new Map() };
  for (const event of file.traceEvents) {
    if (event.ph === 'M') addName(event, contents);
    else addEvent(event, contents);
  }
  const { byTrack, groups, tracks } = contents;
  for (const [tid, track] of byTrack) {
    track.sort((a, b) => a.start - b.start);
    track.forEach((slice, i) => {
      if (i > 0 && track[i - 1]!.end > slice.start) {
        throw new Error(`${tracks.get(tid)}: ${track[i - 1]!.name} [.., ${track[i - 1]!.end}) overlaps ${slice.name} [${slice.start}, ..)`);
      }
    });
  }
  const flows = flowsOf(contents);
  return { events: file.traceEvents, slices: [...byTrack.values()].flat(), flows, tracks, groups, about: file.otherData };
}

function addName(event: Event, { groups, tracks }: Contents): void {
  if (event.name === 'thread_name') {
    if (tracks.has(event.tid!)) throw new Error(`track ${event.tid} is named twice`);
    tracks.set(event.tid!, String(event.args!.name));
  }
  if (event.name === 'process_name') groups.set(event.pid, String(event.args!.name));
}

function addEvent(event: Event, { byTrack, groups, points, tracks }: Contents): void {
  if (event.ts === undefined) throw new Error(`${JSON.stringify(event)} has no time`);
  if (!groups.has(event.pid)) throw new Error(`${JSON.stringify(event)} belongs to no group that was named before`);
  if (event.ph === 'C') {
    for (const value of Object.values(event.args!)) if (typeof value !== 'number') throw new Error(`counter ${event.name} is no number`);
    return;
  }
  if (!tracks.has(event.tid!)) throw new Error(`${JSON.stringify(event)} is on no track that was named before`);
  switch (event.ph) {
    case 'X': {
      if (!PALETTE.includes(event.cname!)) throw new Error(`${event.cname} is no colour of chrome://tracing`);
      const start = ns(event.ts);
      const slice = {
        tid: event.tid!,
        name: event.name,
        category: event.cat!,
        start,
        end: start + ns(event.dur!),
        args: event.args ?? {},
      };
      if (slice.end <= start) throw new Error(`${event.name} has no length`);
      const track = byTrack.get(event.tid!);
      if (track === undefined) byTrack.set(event.tid!, [slice]);
      else track.push(slice);
      break;
    }
    case 'i':
      if (event.s !== 't') throw new Error(`instant ${event.name} has scope ${event.s}`);
      break;
    case 's':
    case 't':
    case 'f': {
      if (!Number.isSafeInteger(event.id)) throw new Error(`flow ${event.id} has no number`);
      if (event.ph !== 's' && event.bp !== 'e') throw new Error(`flow ${event.id} binds to the next slice, not to the one around it`);
      points.set(event.id!, [...(points.get(event.id!) ?? []), event]);
      break;
    }
    default:
      throw new Error(`unknown phase ${event.ph}`);
  }
}

function flowsOf({ byTrack, points, tracks }: Contents): Flow[] {
  const bind = (event: Event): { ns: number; slice: Slice } => {
    const at = ns(event.ts!);
    const slice = enclosing(byTrack.get(event.tid!) ?? [], at);
    if (slice === undefined) throw new Error(`flow ${event.id}: nothing is at ${at} on ${tracks.get(event.tid!)}`);
    return { ns: at, slice };
  };
  return [...points.values()].map((flow) => {
    if (flow.map(({ ph }) => ph).join('') !== 'sf' && flow.map(({ ph }) => ph).join('') !== 'stf') throw new Error('a flow has loose ends');
    const bound = flow.map(bind);
    bound.forEach(({ ns: at }, i) => {
      if (i > 0 && bound[i - 1]!.ns > at) throw new Error('a flow goes back in time');
    });
    return bound;
  });
}

/** The slice of a sorted track that a moment lies in. */
function enclosing(track: readonly Slice[], ns: number): Slice | undefined {
  let low = 0;
  let high = track.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track[middle]!.end > ns) high = middle;
    else low = middle + 1;
  }
  const slice = track[low];
  return slice !== undefined && slice.start <= ns ? slice : undefined;
}

/** Sum of the durations of the slices that a test chooses, ns. */
export function totalNs(parsed: Parsed, choose: (slice: Slice) => boolean): number {
  return parsed.slices.filter(choose).reduce((sum, { start, end }) => sum + end - start, 0);
}
