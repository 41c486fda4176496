// Unsloth's dynamic mixtures (UD-*): experts as the llama.cpp file type of the name, everything else at more bits. The bits of each layer are
// chosen model by model and are known only from the file, so the size of the whole file decides the bits of the experts.
import { byName } from '../../base/objects.js';
import { storedIn } from './formats/index.js';
import { LLAMA } from './llama.js';
import type { Quantization, StoredShare, TensorRole } from './rule.js';

/** Names behind `ud-`. */
const NAMES =
  'q8_k_xl q6_k_xl q6_k q5_k_xl q5_k_m q5_k_s q4_k_xl q4_k_m q4_k_s q3_k_xl q3_k_m q3_k_s q2_k_xl ' +
  'iq4_nl iq4_xs iq3_s iq3_xxs iq2_m iq2_xxs iq1_m iq1_s tq1_0';

/** The llama.cpp file types that their experts have, where these have another name. */
const LIKE = byName<string>({
  q8_k_xl: 'q8_0',
  q6_k_xl: 'q6_k',
  q5_k_xl: 'q5_k_m',
  q4_k_xl: 'q4_k_m',
  q3_k_xl: 'q3_k_m',
  q2_k_xl: 'q2_k',
});

/**
 * Smallest format of everything but experts. A UD-Q2_K_XL of DeepSeek-V3 (233.18 GiB, of which logs print 3,965 MiB for each of 35 layers
 * of experts) has about 10,050 MiB outside the experts, 5.1 bits per weight; later files have up to 8.5, as their sizes show.
 */
function least(role: TensorRole): string | null {
  if (role === 'expert-in' || role === 'expert-down' || role === 'router' || role === 'vector') return null;
  return role === 'embedding' ? 'q4_k' : role === 'head' ? 'q6_k' : 'q5_k';
}

function dynamic(name: string, like: Quantization): Quantization {
  const atLeast = (shares: readonly StoredShare[], floor: string, columns: number): readonly StoredShare[] => {
    const stored = storedIn(floor, columns);
    return shares.map((one) => (one.bits < stored.bits ? { ...stored, share: one.share } : one));
  };
  return {
    name,
    summary: `Unsloth ${name.toUpperCase()}: experts like ${like.name}, everything else 5.5 bits and more`,
    range: like.range,
    moved: (by) => dynamic(name, like.moved(by)),
    stored: (role, place) => {
      const floor = least(role);
      const shares = like.stored(role, place);
      return floor === null ? shares : atLeast(shares, floor, place.columns);
    },
  };
}

/** Unsloth's mixtures. */
export const UNSLOTH: readonly Quantization[] = NAMES.split(' ').map((name) =>
  dynamic(`ud-${name}`, LLAMA.find((one) => one.name === (LIKE[name] ?? name))!),
);
