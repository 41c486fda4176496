// Arguments of llama.cpp: which experts they place, and that no others are in the file.
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/door.js';
import { expertBlocks } from '../../../src/place/formats/format.js';
import { readProfile } from '../../../src/place/formats/index.js';
import { refusal } from '../../support/own-parts.js';

const deepseek = loadModel('deepseek-v2-lite');
const blocks = expertBlocks(deepseek);

describe('a file for llama.cpp', () => {
  const read = (text: string) => readProfile('p.txt', new TextEncoder().encode(text), null, deepseek);
  /** Blocks whose experts stay: of 27, block 0 has none. */
  const stay = (text: string): number[] => {
    const { held } = read(text)!;
    return held.kind === 'layers' ? blocks.filter((_, l) => held.resident[l]) : [];
  };
  const from = (first: number): number[] => blocks.filter((block) => block >= first);

  it.each([
    ['-ngl 99', from(1)],
    ['# a comment\n-ngl all --n-cpu-moe 20', from(20)],
    ['-ngl 99 -ot blk\\.([1-9]|1[0-9])\\.ffn_.*_exps=CPU -ts 3,1', from(20)],
    // The first rule decides, in the order of the line.
    ['-ot blk\\.2\\.=CUDA0,exps=CPU', [2]],
    ['-ot blk\\.2\\.=CUDA0 -ncmoe 99', [2]],
    ['-ncmoe 99 -ot blk\\.2\\.=CUDA0', []],
    ['-ot exps=CUDA_Host', []],
    // Of 27 blocks and the output, 8 on the card: the output and blocks 20 to 26. A rule comes before.
    ['-ngl 8', from(20)],
    ['-ngl 0', []],
    ['--gpu-layers 8 -ot blk\\.3\\.=CUDA0', [3, ...from(20)]],
    // RegExp goes back for ever; there is no sign ! in a name.
    ['-ngl 99 -ot ^(((.|.)+)+)+!=CPU', from(1)],
    ['-ngl 99 -ot ^(((.|.)+)+)+weight=CPU', []],
  ])('%s', (text, expected) => {
    expect(stay(text)).toEqual(expected);
  });

  it.each([
    ['"--rpc": places no experts; a placement has -ngl', '-ngl 99 -ncmoe 20 --rpc evil.example:50052 --host 0.0.0.0'],
    ['"-cmoe": places no experts', '-ngl 99 -cmoe'],
    ['";reboot": places no experts', '-ngl 99 ;reboot'],
    ['"$(reboot)": places no experts', '-ngl 99 $(reboot)'],
    ['-ot: "" is no list of pattern=buffer', '-ngl 99 -ot'],
    ['-ot: "exps=RPC0[evil:1]" is no list', '-ot exps=RPC0[evil:1]'],
    ['is no list of pattern=buffer', '-ot exps=CPU;reboot'],
    ['p.txt: -ot "(=CPU": is no regular expression that can be read: a ( is open', '-ot (=CPU'],
    ['-ngl: "-1" is no number of blocks', '-ngl -1'],
    ['"1e3" is no number of blocks', '-ngl 1e3'],
    ['-ncmoe: "all" is no number of blocks', '-ncmoe all'],
    ['-ts: "a" is no list of shares', '-ngl 99 -ts a'],
    ['asks for more than 32,768 states of patterns', `-ngl 99 ${'-ncmoe 1 '.repeat(50_000)}`],
    ['asks for more than 32,768 states of patterns', `-ot ${'(a|b)*c=CPU,'.repeat(20_000)}exps=CPU`],
  ])('%s: refused', async (message, text) => {
    expect(await refusal(() => read(text))).toContain(message);
  });
});
