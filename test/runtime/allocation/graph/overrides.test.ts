// Rules of -ot: which part is a pattern, which rule decides, and what all of them may take.
import { expect, it } from 'vitest';
import { isHostBuffer, parseOverrides } from '../../../../src/runtime/allocation/graph/overrides.js';

const bufferOf = (rules: readonly string[], name: string): string | undefined =>
  parseOverrides(rules, 'x').find(({ pattern }) => pattern.test(name))?.buffer;

it('the first rule that is found decides', () => {
  const rules = ['blk\\.[0-3]\\.ffn_.*_exps=CUDA1', 'exps=CPU', 'blk=CUDA0'];
  const names = ['blk.3.ffn_up_exps.weight', 'blk.13.ffn_up_exps.weight', 'blk.3.attn_q.weight', 'output.weight'];
  expect(names.map((name) => bufferOf(rules, name))).toEqual(['CUDA1', 'CPU', 'CUDA0', undefined]);
});

it('a pattern ends at the first sign =', () => {
  expect(bufferOf(['exps=RPC0[host=a]'], 'exps')).toBe('RPC0[host=a]');
});

it('host memory is the CPU, or pinned for a card', () => {
  const buffers = ['CPU', 'CPU_REPACK', 'CUDA_Host', 'cpu', 'CUDA0', 'Metal', 'SYCL1'];
  expect(buffers.filter(isHostBuffer)).toEqual(['CPU', 'CPU_REPACK', 'CUDA_Host', 'cpu']);
});

it.each([
  ['exps', /^a\.log:3: -ot "exps": is no rule; expected pattern=buffer/],
  ['=CPU', /is no rule/],
  ['exps=', /is no rule/],
  ['(=CPU', /^a\.log:3: -ot "\(=CPU": is no regular expression that can be read: a \( is open$/],
])('%s is refused', (rule, message) => {
  expect(() => parseOverrides([rule], 'a.log:3')).toThrow(message);
});

it('all rules together are bounded: 16 lists of layers fit, a thousand do not', () => {
  const list = `${Array.from({ length: 4 }, (_, i) => `blk\\.${50 + i}\\.ffn_(down|gate|up)_exps\\.weight`).join('|')}=CUDA0`;
  expect(parseOverrides(Array<string>(16).fill(list), 'x')).toHaveLength(16);
  expect(() => parseOverrides(Array<string>(1000).fill(list), 'x')).toThrow('x: asks for more than 32,768 states of patterns');
});
