/** Kind of slice: Perfetto derives colours from names, chrome://tracing from `cname`. */
export interface Kind {
  /** Start of the slice's name. */
  readonly word: string;
  /** `cat` of the event, for filters and queries. */
  readonly category: string;
  /** `cname` of the event. */
  readonly color: string;
}

/** Kinds on the GPU track, with numbers on the track. */
export const GPU_KINDS = {
  dense: { word: 'dense', category: 'dense', color: 'generic_work', track: 1 },
  expert: { word: 'expert', category: 'expert', color: 'rail_animation', track: 2 },
  stall: { word: 'stall', category: 'stall', color: 'terrible', track: 3 },
} as const satisfies Readonly<Record<string, Kind & { track: number }>>;

/** Fates of a transfer. */
export const TRANSFER_KINDS = {
  demand: { word: 'on demand', category: 'transfer,demand', color: 'bad' },
  useful: { word: 'useful prefetch', category: 'transfer,prefetch,useful', color: 'good' },
  late: { word: 'late prefetch', category: 'transfer,prefetch,late', color: 'yellow' },
  wasted: { word: 'wasted prefetch', category: 'transfer,prefetch,wasted', color: 'black' },
  /** Neither demanded nor evicted by the end. */
  pending: { word: 'pending prefetch', category: 'transfer,prefetch,pending', color: 'grey' },
  /** To a tier below the GPU, not judged. */
  staged: { word: 'prefetch', category: 'transfer,prefetch', color: 'olive' },
  writeBack: { word: 'write-back', category: 'transfer,write-back', color: 'rail_idle' },
} as const satisfies Readonly<Record<string, Kind>>;

/** Activation exchanges between GPUs: to the experts, and back. */
export const EXCHANGE_KINDS = {
  dispatch: { word: 'dispatch', category: 'exchange,dispatch', color: 'rail_response' },
  combine: { word: 'combine', category: 'exchange,combine', color: 'rail_animation' },
} as const satisfies Readonly<Record<string, Kind>>;

/** Expert computed on the CPU. */
export const CPU_KIND: Kind = { word: 'expert', category: 'cpu', color: 'rail_load' };
/** A forward pass. */
export const PASS_KIND: Kind = { word: 'pass', category: 'pass', color: 'thread_state_runnable' };
/** MoE layer of a pass, with preceding dense work. */
export const LAYER_KIND: Kind = { word: 'layer', category: 'layer', color: 'thread_state_sleeping' };
