// File types of ggml (llama.cpp, ik_llama.cpp, Unsloth).
import { kernelFormat, storedIn } from './formats/index.js';
import type { FormatName } from './formats/rows.js';
import type { Quantization, StoredShare, TensorPlace, TensorRole } from './rule.js';

type Choice = FormatName | ((place: TensorPlace) => FormatName);

/** Formats by role; absent: `base`. Routers, norms and biases are f32. */
export interface FileType {
  readonly base: FormatName;
  /** Output matrix, and a tied embedding table. */
  readonly head: FormatName;
  readonly embedding?: Choice;
  readonly query?: Choice;
  readonly key?: Choice;
  readonly value?: Choice;
  readonly out?: Choice;
  readonly in?: Choice;
  readonly down?: Choice;
  readonly expert?: Choice;
  /** Expert formats from few bits to many. */
  readonly ladder: readonly FormatName[];
  /** Non-expert format of generous files. */
  readonly generous: FormatName;
}

/** Formats mixed in files of a kind, from few bits to many. */
export const LADDERS = {
  legacy: ['q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0', 'bf16'],
  k: ['iq1_s', 'iq2_xxs', 'q2_k', 'q3_k', 'q4_k', 'q5_k', 'q6_k', 'q8_0', 'bf16'],
  i: ['iq1_s', 'iq1_m', 'iq2_xxs', 'iq2_xs', 'iq2_s', 'iq3_xxs', 'iq3_s', 'iq4_xs', 'q5_k', 'q6_k', 'q8_0', 'bf16'],
  ternary: ['tq1_0', 'tq2_0', 'q4_k', 'q6_k', 'q8_0', 'bf16'],
  ik: ['iq1_s', 'iq2_k', 'iq3_k', 'iq4_k', 'iq5_k', 'iq6_k', 'q8_0', 'bf16'],
  ks: ['iq1_s', 'iq2_ks', 'iq2_kl', 'iq3_ks', 'iq4_ks', 'iq5_ks', 'iq6_k', 'q8_0', 'bf16'],
  kss: ['iq1_s', 'iq2_ks', 'iq2_kl', 'iq3_ks', 'iq4_kss', 'iq5_ks', 'iq6_k', 'q8_0', 'bf16'],
  kt: ['iq1_kt', 'iq2_kt', 'iq3_kt', 'iq4_kt', 'iq5_ks', 'iq6_k', 'q8_0', 'bf16'],
  r4: ['iq1_s_r4', 'iq2_k_r4', 'iq3_k_r4', 'iq4_k_r4', 'iq5_k_r4', 'q6_k_r4', 'q8_0_r8', 'bf16'],
  ks_r4: ['iq1_s_r4', 'iq2_k_r4', 'iq3_k_r4', 'iq4_ks_r4', 'iq5_ks_r4', 'q6_k_r4', 'q8_0_r8', 'bf16'],
  k_r4: ['iq1_s_r4', 'iq2_xxs_r4', 'q2_k_r4', 'q3_k_r4', 'q4_k_r4', 'q5_k_r4', 'q6_k_r4', 'q8_0_r8', 'bf16'],
  i_r4: ['iq1_s_r4', 'iq1_m_r4', 'iq2_xxs_r4', 'iq2_xs_r4', 'iq2_s_r4', 'iq3_xxs_r4', 'iq3_s_r4', 'iq4_xs_r8', 'q5_k_r4', 'q8_0_r8'],
  fp: ['mxfp4', 'q8_0', 'bf16'],
  fp_r8: ['mxfp4_r8', 'q8_0_r8', 'bf16'],
} as const satisfies Readonly<Record<string, readonly FormatName[]>>;

const FIELDS = {
  embedding: 'embedding',
  projection: 'query',
  latent: 'query',
  state: 'query',
  key: 'key',
  value: 'value',
  'attention-out': 'out',
  'expert-in': 'in',
  'expert-down': 'down',
  'ffn-in': 'in',
  'ffn-down': 'down',
} as const satisfies Partial<Record<TensorRole, keyof FileType>>;

function wantedFormat(types: FileType, role: TensorRole, place: TensorPlace): FormatName {
  if (role === 'router' || role === 'vector') return 'f32';
  if (role === 'head' || (role === 'embedding' && place.tied)) return types.head;
  const expert = role === 'expert-in' || role === 'expert-down' ? types.expert : undefined;
  const choice = expert ?? types[FIELDS[role]] ?? types.base;
  return typeof choice === 'function' ? choice(place) : choice;
}

function between(low: FormatName, high: FormatName, share: number, columns: number): readonly StoredShare[] {
  if (share <= 0 || low === high) return [{ ...storedIn(low, columns), share: 1 }];
  if (share >= 1) return [{ ...storedIn(high, columns), share: 1 }];
  return [
    { ...storedIn(low, columns), share: 1 - share },
    { ...storedIn(high, columns), share },
  ];
}

/** Format `steps` rungs away, within the ladder; a format between rungs moves to the next rung. */
function stepped(name: FormatName, ladder: readonly FormatName[], steps: number): FormatName {
  if (steps === 0) return name;
  const bits = (format: FormatName): number => kernelFormat(format)!.bits;
  const below = ladder.includes(name) ? ladder.indexOf(name) : ladder.findLastIndex((format) => bits(format) < bits(name));
  const from = steps > 0 || ladder[below] === name ? below : below + 1;
  const reached = ladder[Math.min(ladder.length - 1, Math.max(0, from + steps))]!;
  return Math.sign(bits(reached) - bits(name)) === -Math.sign(steps) ? name : reached;
}

/** Expert format moved along a ladder; a fractional step moves the last layers. */
function alongLadder(
  name: FormatName,
  ladder: readonly FormatName[],
  by: number,
  { columns, layer, layers }: TensorPlace,
): readonly StoredShare[] {
  const whole = Math.floor(by);
  const share = (by - whole) * layers - (layers - 1 - layer);
  return between(stepped(name, ladder, whole), stepped(name, ladder, whole + 1), share, columns);
}

function downSteps(by: number): number {
  const pairs = Math.floor(by / 2);
  return pairs + Math.min(1, by - 2 * pairs);
}

/** Format of a moved expert tensor. Down projections move first, as in hand-made mixtures (iq5_k with iq4_k). */
function movedExpert(types: FileType, role: 'expert-in' | 'expert-down', place: TensorPlace, by: number): readonly StoredShare[] {
  const [wanted, base] = [wantedFormat(types, role, place), wantedFormat(types, 'expert-in', place)];
  if (by >= 0)
    return alongLadder(wanted, types.ladder, Math.max(0, role === 'expert-down' ? downSteps(by - 1) : by - 1 - downSteps(by - 1)), place);
  const least = kernelFormat(wanted)!.bits > kernelFormat(base)!.bits ? base : wanted;
  return by >= -1 ? between(wanted, least, -by, place.columns) : alongLadder(least, types.ladder, by + 1, place);
}

/**
 * Moved below 0, down projections of experts lose bits first, then all experts. Up to 1, non-experts get generous
 * formats; above, experts gain.
 */
export function fileType(name: string, summary: string, types: FileType, by = 0): Quantization {
  const others = Math.min(1, Math.max(0, by));
  return {
    name,
    summary,
    range: [-1 - types.ladder.length, 1 + 2 * types.ladder.length],
    moved: (distance) => fileType(name, summary, types, by + distance),
    stored: (role, place) => {
      if (role === 'expert-in' || role === 'expert-down') return movedExpert(types, role, place, by);
      const format = wantedFormat(types, role, place);
      if (role === 'router' || role === 'vector') return [{ ...storedIn(format, place.columns), share: 1 }];
      const more = storedIn(types.generous, place.columns).bits > storedIn(format, place.columns).bits;
      return between(format, more ? types.generous : format, others, place.columns);
    },
  };
}
