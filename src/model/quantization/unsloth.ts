import { storedIn } from './formats/index.js';
import type { FormatName } from './formats/rows.js';
import { LLAMA, type LlamaName } from './llama.js';
import type { Quantization, StoredShare, TensorPlace, TensorRole } from './rule.js';

/** Names after `ud-`, with the llama.cpp file type of the experts if different. */
const NAMES: readonly (readonly [name: string, like: LlamaName] | readonly [name: LlamaName])[] = [
  ['q8_k_xl', 'q8_0'],
  ['q6_k_xl', 'q6_k'],
  ['q6_k'],
  ['q5_k_xl', 'q5_k_m'],
  ['q5_k_m'],
  ['q5_k_s'],
  ['q4_k_xl', 'q4_k_m'],
  ['q4_k_m'],
  ['q4_k_s'],
  ['q3_k_xl', 'q3_k_m'],
  ['q3_k_m'],
  ['q3_k_s'],
  ['q2_k_xl', 'q2_k'],
  ['iq4_nl'],
  ['iq4_xs'],
  ['iq3_s'],
  ['iq3_xxs'],
  ['iq2_m'],
  ['iq2_xxs'],
  ['iq1_m'],
  ['iq1_s'],
  ['tq1_0'],
];

/**
 * Smallest format of non-experts, and format of latent unpacking and of mixers in models with states. From logs of
 * DeepSeek-V3-0324 in UD-Q2_K_XL and UD-Q4_K_XL: 122 tensors of q8_0, two per layer, unpack the latent. Models with
 * states keep attention and states in q8_0.
 */
function least(role: TensorRole, { mixer }: TensorPlace): FormatName | null {
  if (role.startsWith('expert') || role === 'router' || role === 'vector') return null;
  if (role === 'latent' || role === 'state') return 'q8_0';
  if (role === 'embedding' || role === 'head') return role === 'head' ? 'q6_k' : 'q4_k';
  if (mixer === 'latent') return 'q4_k';
  return mixer === 'state' && !role.startsWith('ffn') ? 'q8_0' : 'q5_k';
}

function dynamic(name: string, like: Quantization, by = 0): Quantization {
  const atLeast = (shares: readonly StoredShare[], floor: FormatName, columns: number): readonly StoredShare[] => {
    const stored = storedIn(floor, columns);
    return shares.map((share) => (share.bits < stored.bits ? { ...stored, share: share.share } : share));
  };
  const moved = like.moved(by);
  // With a latent, non-experts stay: the log of a larger file has more bits in expert down projections.
  const experts = by > 0 ? like.moved(by + 1) : moved;
  return {
    name,
    summary: `Unsloth ${name.toUpperCase()}: experts like ${like.name}, everything else 4.5 or 5.5 bits and more`,
    range: [like.range[0], like.range[1] - 1],
    moved: (distance) => dynamic(name, like, by + distance),
    stored: (role, place) => {
      const floor = least(role, place);
      if (floor === null) return (place.mixer === 'latent' ? experts : moved).stored(role, place);
      return atLeast((place.mixer === 'latent' ? like : moved).stored(role, place), floor, place.columns);
    },
  };
}

/** Unsloth's dynamic mixtures (UD-*): experts as in the named file type, the rest at more bits. */
export const UNSLOTH: readonly Quantization[] = NAMES.map(([name, like = name]) =>
  dynamic(`ud-${name}`, LLAMA.find((quantization) => quantization.name === like)!),
);

/** Mixture by printed file type; null: none. */
export function dynamicLike(name: string): string | null {
  const found = NAMES.find(([, like]) => like === name);
  return found === undefined ? null : `ud-${found[0]}`;
}
