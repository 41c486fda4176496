import { UserError } from '../../base/errors.js';
import { POSIX } from '../../base/shell.js';
import { quoted } from '../../base/text.js';
import { formatBytes } from '../../base/units.js';
import { decoderLayers } from '../../model/door.js';
import { isHostBuffer, type OverrideRule, parseOverrides } from '../../runtime/door.js';
import { expertBlocks, firstLine, type ProfileFormat } from './format.js';

/** Projections in tensor names; some models fuse gate and up. */
const PROJECTIONS = ['gate', 'up', 'down', 'gate_up'];

/** Placement flags by spelling; no other flag may enter a command line. */
const FLAGS = new Map([
  ['-ngl', '-ngl'],
  ['--gpu-layers', '-ngl'],
  ['--n-gpu-layers', '-ngl'],
  ['-ncmoe', '-ncmoe'],
  ['--n-cpu-moe', '-ncmoe'],
  ['-ot', '-ot'],
  ['--override-tensor', '-ot'],
  ['-ts', '-ts'],
  ['--tensor-split', '-ts'],
]);

/** Bytes of a command line: Linux's limit (a quarter of the default stack). */
const LONGEST = 2 ** 21;

/** llama.cpp arguments for layers with experts on the CPU; single experts cannot be placed. */
export const llamaCpp: ProfileFormat = {
  name: 'llama.cpp',
  summary: '-ot with the blocks whose experts stay on the CPU; needs a --split of layers',
  cites: 'llama.cpp, tools/server/README.md (--override-tensor, --n-cpu-moe), read 2026-12-01',
  holds: 'layers',
  runtime: 'llama.cpp',
  extensions: ['.txt', '.args'],
  keeps: () => true,
  use: (path) => `llama-server -m model.gguf $(grep -v '^#' ${POSIX.quoted(path)})`,
  write({ fingerprint, model, slots }) {
    const off = expertBlocks(model).filter((_, l) => slots[l] === 0);
    const rule = off.length === 0 ? '' : ` -ot blk\\.(${off.join('|')})\\.ffn_(${PROJECTIONS.join('|')})_exps\\.=CPU`;
    return `# ${JSON.stringify(fingerprint)}\n-ngl 99${rule}\n`;
  },
  detect: ({ text }) => /^\s*-\S/.test(firstLine(text, /^(#|\s*$)/)) && text.split(/\s+/).some((word) => FLAGS.has(word)),
  read({ path, text }, model) {
    const line = text.replace(/^#.*$/gm, '').trim();
    if (line.length > LONGEST)
      throw new UserError(`${path}: has ${formatBytes(line.length)} of arguments; a command line takes ${formatBytes(LONGEST)}`);
    const { gpuLayers, rules } = placing(line.split(/\s+/), path);
    // -ngl keeps the last layers on the card, and counts the output as a layer (llama.cpp 18148).
    const first = decoderLayers(model) + (model.anatomy?.nextLayers ?? 0) + 1 - gpuLayers;
    const inHost = (block: number, name: string): boolean => {
      const rule = rules.find(({ pattern }) => pattern.test(name));
      return rule === undefined ? block < first : isHostBuffer(rule.buffer);
    };
    return {
      kind: 'layers',
      resident: expertBlocks(model).map(
        (block) => !PROJECTIONS.some((projection) => inHost(block, `blk.${block}.ffn_${projection}_exps.weight`)),
      ),
    };
  },
  fingerprint: ({ text }) => /^# (\{.*\})$/m.exec(text)?.[1] ?? null,
};

/** Blocks by `-ngl`, and rules, the first match deciding. @throws UserError for another flag or a bad value */
function placing(words: readonly string[], path: string): { gpuLayers: number; rules: OverrideRule[] } {
  let gpuLayers = Number.POSITIVE_INFINITY;
  const rules: (string | OverrideRule)[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const [word, value = ''] = [words[i]!, words[i + 1]];
    const flag = FLAGS.get(word);
    if (flag === undefined)
      throw new UserError(`${path}: ${quoted(word)}: places no experts; a placement has ${[...FLAGS.keys()].join(', ')} with their values`);
    const expect = (fits: boolean, what: string): void => {
      if (!fits) throw new UserError(`${path}: ${word}: ${quoted(value)} is no ${what}`);
    };
    if (flag === '-ot') {
      for (const rule of value.split(',')) {
        expect(/=[A-Za-z]\w*$/.test(rule), 'list of pattern=buffer, e.g. exps=CPU');
        rules.push(rule);
      }
    } else if (flag === '-ts') expect(/^[\d.,/]+$/.test(value), 'list of shares, e.g. 3,1');
    else {
      expect(/^\d{1,9}$/.test(value) || (flag === '-ngl' && value === 'all'), 'number of blocks');
      if (flag === '-ncmoe') rules.push(firstBlocks(Number(value)));
      else gpuLayers = value === 'all' ? Number.POSITIVE_INFINITY : Number(value);
    }
  }
  return { gpuLayers, rules: parseOverrides(rules, path) };
}

const firstBlocks = (count: number): OverrideRule => ({
  pattern: { size: 1, test: (name) => Number(/^blk\.(\d+)\./.exec(name)![1]) < count },
  buffer: 'CPU',
});
