// Storage formats in names of repositories.
import { knownQuantization } from '../quantization/index.js';

/** Kind of files; `safetensors`: folders of neither EXL3 nor MLX. */
export type Container = 'gguf' | 'exl3' | 'mlx' | 'safetensors';

/** A repository's files. */
export interface Stored {
  readonly container: Container;
  /** Absent: several, or not named. */
  readonly format?: string;
}

type Word = readonly [word: RegExp, format: string];

/** The first decides. */
const WORDS: readonly Word[] = [
  [/(?:^|[-_.])(?:bnb|bitsandbytes)[-_.]4-?bit(?=[-_.]|$)/, 'nf4'],
  [/(?:^|[-_.])nvfp4(?=[-_.]|$)/, 'nvfp4'],
  [/(?:^|[-_.])mxfp4(?=[-_.]|$)/, 'mxfp4'],
  [/(?:^|[-_.])(?:int8|w8a8|w8a16|(?:awq|gptq)[-_.]8-?bits?)(?=[-_.]|$)/, 'int8'],
  [/(?:^|[-_.])(?:awq|gptq|auto-?round|int4|w4a16)(?=[-_.]|$)/, 'int4'],
  [/(?:^|[-_.])fp8(?=[-_.]|$)/, 'fp8'],
];
const GGUF = /(?:^|[-_.])gguf$/;
const GGUF_OF = /[-_.]((?:ud-)?(?:i?q|tq)\d\w*)[-_.]gguf$/;
const EXL3 = /(?:^|[-_.])exl3(?=[-_.]|$)/;
const BITS = /(?:^|[-_.])(\d(?:\.\d{1,2})?)-?bpw/;
const MLX_BITS = /(?:^|[-_.])([34568])-?bits?(?=[-_.]|$)/;

/** Files by lower-case names; null: no word on them. */
export function filesNamed(owner: string, repo: string): Stored | null {
  if (GGUF.test(repo)) return stored('gguf', GGUF_OF.exec(repo)?.[1]);
  const bits = BITS.exec(repo)?.[1];
  if (EXL3.test(repo)) return stored('exl3', bits === undefined ? undefined : `int4:bits=${bits}`);
  if (owner.startsWith('mlx') || repo.split(/[-_.]/).includes('mlx')) {
    const [, width] = MLX_BITS.exec(repo) ?? [];
    return stored('mlx', width === undefined ? undefined : `mlx${width}`);
  }
  const format = WORDS.find(([word]) => word.test(repo))?.[1];
  return format === undefined ? null : stored('safetensors', format);
}

const stored = (container: Container, format = ''): Stored => ({ container, ...(isKnown(format) ? { format } : {}) });

const isKnown = (format: string): boolean => knownQuantization(format.replace(/:.*/, '')) !== null;
