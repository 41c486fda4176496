// Links of the page hold a whole question, and nothing in one is anything but read or refused in a line.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { linkOfQuestion, type PlayQuestion, questionOf, refuseFiles, terminalLine } from '../../src/play/question.js';
import { cases } from '../cases.js';

const word = fc
  .string({
    unit: fc.oneof(fc.constantFrom('a', '+', ',', '&', '=', '%', '#', ' ', 'ß', '𝄞'), fc.string({ minLength: 1, maxLength: 1 })),
    minLength: 1,
    maxLength: 40,
  })
  .filter((text) => !/\p{Surrogate}/u.test(text));
const count = fc.integer({ min: 1, max: 1e9 });
const question: fc.Arbitrary<PlayQuestion> = fc.record({
  model: word,
  machine: word,
  wishes: fc.record(
    {
      runtime: word,
      goal: word,
      context: count,
      prompt: count,
      users: count,
      quantizations: fc.array(
        word.filter((text) => !text.includes(',')),
        { minLength: 1, maxLength: 3 },
      ),
      slots: count,
      drafts: word,
      accepted: word,
      drafter: word,
    },
    { requiredKeys: [] },
  ),
});

describe('a link', () => {
  it('gives the question back', () => {
    fc.assert(
      fc.property(question, (asked) => {
        expect(questionOf(linkOfQuestion(asked))).toEqual(asked);
      }),
    );
  });

  it('reads as a person writes it', () => {
    const asked = {
      model: 'qwen3.6-35b-a3b',
      machine: '2xrtx-3060:8GB+32GB',
      wishes: { context: 32_768, quantizations: ['q4_k_m', 'q8_0'] },
    };
    expect(linkOfQuestion(asked)).toBe('m=qwen3.6-35b-a3b&w=2xrtx-3060:8GB+32GB&context=32768&quantizations=q4_k_m,q8_0');
    expect(questionOf('m=qwen3.6-35b-a3b&w=2xrtx-3060%3A8GB%2B32GB&context=32k&quantizations=q4_k_m,q8_0').wishes.context).toBe(32_000);
    expect(terminalLine({ ...asked, wishes: { ...asked.wishes, goal: "it's" } })).toBe(
      "moeprof advise qwen3.6-35b-a3b -w 2xrtx-3060:8GB+32GB --goal 'it'\\''s' --context 32768 --quantizations q4_k_m,q8_0",
    );
  });

  it.each([
    ['context=0', 'context: must be at least 1'],
    ['context=many', /^context: /],
    ['slotz=4', /^slotz: is no field of a link; did you mean/],
    ['__proto__=4', /^__proto__: is no field of a link/],
    ['m=', /^m: needs a value of at most 300 characters/],
    ['m=%E0%A4%A', /is no text of a link; percent signs are written as %25/],
    [`w=${'a'.repeat(301)}`, /^w: needs a value/],
  ])('is refused in a line: %s', (link, message) => {
    expect(() => questionOf(link)).toThrow(message);
  });

  it('names no file of a model, which a page does not have', () => {
    expect(() => refuseFiles(questionOf('m=./mine.gguf'))).toThrow('m=./mine.gguf: a page has no files of models; take a bundled name');
    refuseFiles(questionOf('m=olmoe-1b-7b'));
  });

  it('is a question or a line, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (link) => {
        try {
          questionOf(link);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }),
      { numRuns: cases(20_000) },
    );
  });
});
