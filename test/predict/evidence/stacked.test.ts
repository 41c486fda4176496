// A network beside tables: listened to where it gains, off and announced where it never does.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { Stacked } from '../../../src/predict/evidence/stacked.js';
import type { Evidence } from '../../../src/predict/evidence.js';
import type { Pass } from '../../../src/schedule/door.js';

const EXPERTS = 16;

/** A network with `logits` of one layer, and a pass of this number. */
function network(logits: Float64Array): Evidence & { asked: number } {
  return {
    asked: 0,
    add(_pass, _token, _after, _layer, weight, into) {
      this.asked++;
      for (let e = 0; e < EXPERTS; e++) into[e]! += weight * logits[e]!;
      return true;
    },
    learn: () => undefined,
    runs: () => 1,
  };
}
const passOf = (number: number) => ({ number }) as Pass;

/** Judges layers of which one expert is used, drawn anew each time; `names`: what the network says of the experts, given that one. */
function judged(layers: number, names: (used: number, random: Random) => Float64Array) {
  const random = new Random(1, 'test/stacked');
  const logits = new Float64Array(EXPERTS);
  const evidence = network(logits);
  const stacked = new Stacked(evidence, 2, EXPERTS);
  const tables = new Float64Array(EXPERTS).fill(Math.log(1 / (EXPERTS - 1)));
  for (let number = 1; number <= layers; number++) {
    const used = new Uint8Array(EXPERTS);
    const chosen = random.below(EXPERTS);
    used[chosen] = 1;
    logits.set(names(chosen, random));
    stacked.practise(0, passOf(number), 0, -1, 0, tables, used);
  }
  return { stacked, evidence, logits, tables };
}
const truth = (used: number): Float64Array => Float64Array.from({ length: EXPERTS }, (_, e) => (e === used ? 2 : -2));

describe('a network that knows', () => {
  it('is weighed into the tables at the distance where it gains, and at no other', () => {
    const { stacked, logits, tables } = judged(100, truth);
    logits.set(truth(3));
    const sums = tables.slice();
    stacked.speak(0, passOf(101), 0, -1, 0, EXPERTS, sums);
    expect(stacked.spoke).toBe(true);
    expect(sums[3]!).toBeGreaterThan(2);
    expect(Math.max(...sums.filter((_, e) => e !== 3))).toBeLessThan(-2);
    const others = tables.slice();
    stacked.speak(1, passOf(101), 0, 4, 6, EXPERTS, others);
    expect(stacked.spoke).toBe(false);
    expect(others).toEqual(tables);
    expect(stacked.warnings()).toEqual([]);
  });

  it('is not listened to before it has been judged', () => {
    const { stacked, tables } = judged(10, truth);
    const sums = tables.slice();
    stacked.speak(0, passOf(11), 0, -1, 0, EXPERTS, sums);
    expect(sums).toEqual(tables);
  });
});

it('a network of noise leaves the tables as they are, is off after 512 judged layers, and the result says so', () => {
  const { stacked, evidence, tables } = judged(2000, (_, random) => Float64Array.from({ length: EXPERTS }, () => random.normal()));
  const sums = tables.slice();
  const { asked } = evidence;
  expect(asked).toBeLessThan(1000);
  stacked.speak(0, passOf(2001), 0, -1, 0, EXPERTS, sums);
  expect(sums).toEqual(tables);
  expect(evidence.asked).toBe(asked);
  expect(stacked.warnings().map(({ code }) => code)).toEqual(['network-off']);
  expect(stacked.warnings()[0]!.message).toContain(`off after pass ${asked}`);
});
