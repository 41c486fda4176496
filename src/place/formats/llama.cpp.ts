import { UserError } from '../../base/errors.js';
import { expertBlocks, type ProfileFormat } from './format.js';

/** Projections of an expert in names of tensors; some models have gate and up in one. */
const PROJECTIONS = ['gate', 'up', 'down', 'gate_up'];

/** llama.cpp: the layers whose experts stay on the CPU, as arguments. It has no single experts. A line of arguments. */
export const llamaCpp: ProfileFormat = {
  name: 'llama.cpp',
  summary: '-ot with the blocks whose experts stay on the CPU; needs a --split of layers',
  cites: 'llama.cpp, tools/server/README.md (--override-tensor, --n-cpu-moe), read 2026-12-01',
  holds: 'layers',
  runtime: 'llama.cpp',
  extensions: ['.txt', '.args'],
  keeps: () => true,
  use: (path) => `llama-server -m model.gguf $(grep -v '^#' ${path})`,
  write({ fingerprint, model, slots }) {
    const off = expertBlocks(model).filter((_, l) => slots[l] === 0);
    const rule = off.length === 0 ? '' : ` -ot blk\\.(${off.join('|')})\\.ffn_(${PROJECTIONS.join('|')})_exps\\.=CPU`;
    return `# ${JSON.stringify(fingerprint)}\n-ngl 99${rule}\n`;
  },
  detect: ({ text }) => /^(#.*\n)*\s*-\S/.test(text) && /(^|\s)(-ngl|-ot|--override-tensor|-ncmoe|--n-cpu-moe)[\s=]/.test(text),
  read({ path, text }, model) {
    const words = text
      .replace(/^#.*\n/gm, '')
      .trim()
      .split(/\s+/);
    const cpu = words.flatMap((word, i) => (/^(-ot|--override-tensor)$/.test(word) ? (words[i + 1] ?? '').split(',') : []));
    const rules = cpu.map((rule) => {
      const [pattern = '', device] = [rule.slice(0, rule.lastIndexOf('=')), rule.slice(rule.lastIndexOf('=') + 1)];
      try {
        return { tensors: new RegExp(pattern), onCpu: device === 'CPU' };
      } catch {
        throw new UserError(`${path}: -ot ${pattern}: is no regular expression; write one that names tensors, e.g. ffn_.*_exps=CPU`);
      }
    });
    const counted = Number(words[words.findIndex((word) => /^(-ncmoe|--n-cpu-moe)$/.test(word)) + 1] ?? 0);
    const first = words.some((word) => /^(-ncmoe|--n-cpu-moe)$/.test(word)) ? counted : 0;
    if (!Number.isSafeInteger(first)) throw new UserError(`${path}: -ncmoe: no number of blocks behind it`);
    return {
      kind: 'layers',
      resident: expertBlocks(model).map(
        (block) => block >= first && !rules.some(({ onCpu, tensors }) => onCpu && namesOf(block).some((name) => tensors.test(name))),
      ),
    };
  },
  fingerprint: ({ text }) => /^# (\{.*\})$/m.exec(text)?.[1] ?? null,
};

const namesOf = (block: number): string[] => PROJECTIONS.map((projection) => `blk.${block}.ffn_${projection}_exps.weight`);
