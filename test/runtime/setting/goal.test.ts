import { describe, expect, it } from 'vitest';
import { ALONE } from '../../../src/runtime/setting/closed-loop.js';
import { costOf, isKept, parseGoal, requestNs } from '../../../src/runtime/setting/goal.js';

const REQUEST = { prompt: 1000, output: 100 };

describe('a goal', () => {
  it('is a name, or targets', () => {
    expect(parseGoal('decode')).toEqual({ kind: 'decode' });
    expect(parseGoal('ttft=2s, tpot=50ms')).toEqual({ kind: 'targets', ttft: 2e9, tpot: 50e6 });
    expect(parseGoal('tpot=50ms')).toEqual({ kind: 'targets', ttft: null, tpot: 50e6 });
  });

  it.each([
    ['dekode', 'unknown goal "dekode": did you mean "decode"?'],
    ['itl=3ms', 'unknown target "itl"; write ttft=2s, tpot=50ms or both'],
    ['ttft=1s,ttft=2s', 'ttft is given twice; keep one'],
    ['ttft=soon', '--goal ttft'],
    ['ttft=2', '--goal: ttft=2 has no unit; write ttft=2s or ttft=2ms'],
  ])('refuses %s', (text, message) => {
    expect(() => parseGoal(text)).toThrow(message);
  });
});

describe('what a goal costs', () => {
  // 1,000 tokens at 500 a second, then 100 at 20 a second.
  const speeds = { decode: 20, prefill: 500 };

  it('is the time of a request: 2 s and 5 s', () => {
    expect(requestNs(speeds, ALONE, REQUEST)).toBe(7e9);
    expect(costOf({ kind: 'request' }, speeds, ALONE, REQUEST)).toBe(7e9);
  });

  it('holds the prompts of others: four passes of 1,003 tokens in 2.006 s, in three of which the answer goes on, and 97 steps of .2 s', () => {
    expect(requestNs(speeds, { users: 4, ubatch: 1003 }, REQUEST)).toBeCloseTo(27.424e9, 0);
  });

  it('falls with the speed that is wanted', () => {
    expect(costOf({ kind: 'decode' }, speeds, ALONE, REQUEST)).toBe(1 / 20);
    expect(costOf({ kind: 'prefill' }, speeds, ALONE, REQUEST)).toBe(1 / 500);
  });

  it('of targets is the latency that is furthest above its own', () => {
    // 2 s of 4 s, 50 ms of 40 ms.
    const goal = parseGoal('ttft=4s,tpot=40ms');
    expect(costOf(goal, speeds, ALONE, REQUEST)).toBe(1.25);
    expect(isKept(goal, 1.25)).toBe(false);
    expect(isKept(parseGoal('ttft=4s'), costOf(parseGoal('ttft=4s'), speeds, ALONE, REQUEST))).toBe(true);
  });
});
