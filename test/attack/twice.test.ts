// The second readers of test/attack/second on files that were read differently once: what each has to make of them, by hand.
import { describe, expect, it } from 'vitest';
import { npyBytes, zipBytes } from '../trace/formats/fixtures.js';
import { secondArrays, secondCounts } from './second/arrays.js';
import { Damaged } from './second/demand.js';
import { secondBytes, secondText } from './second/text.js';

const moeTrace = secondText['llamacpp-moe-trace']!;
const colibriUsage = secondCounts['colibri-usage']!;
const phone = (...preamble: string[]): string =>
  ['# route_trace v1', ...preamble, 'turn,phase,step,layer,slot,expert', '0,1,0,1,0,2', '0,1,0,3,0,1', ''].join('\n');

describe('second readers', () => {
  it('divide runs by the top-k of the model that is named, else by the shortest run', () => {
    // Two runs of six: six choices of one token, or three of each of two.
    const text = `layer,expert\n${[0, 1].flatMap((layer) => [5, 4, 3, 2, 1, 0].map((id) => `${layer},${id}`)).join('\n')}\n`;
    expect(moeTrace(text)).toEqual([
      {
        request: 0,
        position: 0,
        phase: 1,
        experts: [
          [5, 4, 3, 2, 1, 0],
          [5, 4, 3, 2, 1, 0],
        ],
      },
    ]);
    expect(moeTrace(text, 3).map(({ experts, phase, position }) => [position, phase, experts])).toEqual([
      [
        0,
        0,
        [
          [5, 4, 3],
          [5, 4, 3],
        ],
      ],
      [
        1,
        0,
        [
          [2, 1, 0],
          [2, 1, 0],
        ],
      ],
    ]);
    expect(() => moeTrace(text, 4)).toThrow(Damaged);
  });

  it('find no layer of a fingerprint where no number stands', () => {
    const fingerprint = (layer: string): unknown =>
      secondText['gpt-oss-fingerprint']!(JSON.stringify({ router_data: [{ token_7: { [layer]: { selected_experts: [2, 1] } } }] }));
    expect(fingerprint('layer_3')).toEqual([{ request: 0, position: 7, phase: 1, experts: [[2, 1]] }]);
    for (const layer of ['layer_', 'layer_0x10', 'stage_3']) expect(() => fingerprint(layer), layer).toThrow(Damaged);
  });

  it('take the only array of an archive under any name, and of several the one with the first of the usual names', () => {
    const array = (id: number) => npyBytes('|u1', [1, 1, 2], Uint8Array.of(id, id + 1));
    const sizes = { tokens: 1, layers: 1, topK: 2 };
    const idsOf = (entries: Readonly<Record<string, Buffer>>): unknown =>
      secondArrays.npz!(zipBytes(entries), sizes, [1, 2])[0]![0]!.experts;
    expect(idsOf({ 'expertr.npy': array(3) })).toEqual([[3, 4]]);
    expect(idsOf({ 'experts.npy': array(3), 'routed_experts.npy': array(5) })).toEqual([[5, 6]]);
    expect(() => idsOf({ 'a.npy': array(3), 'b.npy': array(5) })).toThrow(Damaged);
  });

  it('take one size of a colibri history, and no notice of spaces at the end of a line', () => {
    expect([...colibriUsage('-1 9 4\n-2 1 7\n3 0 1 \n3 0 2\n9 0 77\n')]).toEqual([[3, new Map([[0, 3]])]]);
    expect(() => colibriUsage('-1 9 4\n-2 1 7\n3 0 1\n-1 0 77\n')).toThrow(Damaged);
  });

  it('take the layers of a phone from its preamble alone', () => {
    const sizes = secondBytes.bigmoeonedge!;
    expect(sizes(phone('# layer=3 expert_bytes=700', '# layer=0 expert_bytes=0', '# expert_bytes=500 layer=1'))).toEqual([500, 700]);
    expect(() => sizes(phone('# layer=1 expert_bytes=500', '# layer=1 expert_bytes=700'))).toThrow(Damaged);
    expect(secondText.bigmoeonedge!(phone('# layer=1 expert_bytes=5', '# layer=2 expert_bytes=5', '# layer=3 expert_bytes=5'))).toEqual([
      { request: 0, position: 0, phase: 1, experts: [[2], [], [1]] },
    ]);
    expect(() => secondText.bigmoeonedge!(`${phone('# layer=1 expert_bytes=5')}# layer=3 expert_bytes=5\n`)).toThrow(Damaged);
  });
});
