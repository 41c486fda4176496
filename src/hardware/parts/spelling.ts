// Names of parts as drivers, shops and people write them, brought to one form: `NVIDIA GeForce RTX 3090`, `rtx3090` and `rtx-3090` are
// one card, `Intel(R) Core(TM) i9-13900K` and `i9-13900k` one processor.

/** Makers and kinds in names, which never distinguish two parts. */
const IDLE = new Set(
  'nvidia geforce amd radeon intel core apple tesla instinct cpu gpu processor generation blackwell workstation server edition'.split(' '),
);

/**
 * The key that all spellings of one part share: lower case, without separators, trade marks, makers, clocks and counts of cores.
 * @param text e.g. `AMD Ryzen 9 7950X 16-Core Processor`
 */
export function partKey(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/\((?:r|tm|c)\)|[®™©]/g, ' ')
    // Endings of /proc/cpuinfo: `@ 2.20GHz`, `w/ Radeon 8060S`, `with Radeon Graphics`, `32-Cores`; and what it prepends: `13th Gen`.
    .replace(/\s(?:@|w\/|with\s).*$/, ' ')
    .replace(/\b\d+-cores?\b/g, ' ')
    .replace(/\b\d+th gen\b/g, ' ')
    .replace(/ryzen[\s_-]+(?=threadripper)/, '')
    .split(/[\s_-]+/);
  return words.filter((word) => !IDLE.has(word)).join('');
}
