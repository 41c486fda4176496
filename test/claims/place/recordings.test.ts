// What a placement captures on recordings of Qwen3-30B-A3B, which are not bundled: counted on the first half, judged by the second, a quarter of the
// experts on the card. The figures of the same kind of text are published ones (docs/plan.md has the table).
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { requestFor } from '../../../src/place/ask.js';
import { answerPlacement } from '../../../src/place/place.js';
import { checkRun } from '../../../src/system/door.js';

const SHARED = fileURLToPath(new URL('../../../../shared/traces/', import.meta.url));
const pathOf = (text: string): string => `${SHARED}qwen3-30b-a3b.${text}.safetensors`;
const there = ['code', 'math'].every((text) => existsSync(pathOf(text)));

async function captured(counted: readonly string[], judged: string) {
  const parts = counted.map((text) => ({ named: `${pathOf(text)}#0:4000`, weight: 1 }));
  const request = requestFor(parts, { judged: [`${pathOf(judged)}#4000:8000`], slots: '25%' }, false);
  return (await answerPlacement(request, (more) => checkRun({}, 'test', more), {}, '')).placement;
}

describe.skipIf(!there)(there ? 'recordings' : 'recordings: SKIPPED, ../shared/traces is not there', () => {
  it.each([
    ['code', 0.799, 0.814],
    ['math', 0.688, 0.694],
  ])('of %s capture of their own kind what is published, within a point', async (text, share, best) => {
    const { domains, score } = await captured([text], text);
    expect(Math.abs(score!.captured - share)).toBeLessThan(0.01);
    expect(Math.abs(score!.oracle - best)).toBeLessThan(0.01);
    // LRU over as many bytes hits more than any fixed set.
    expect(domains[0]!.caches[0]!.hitRate).toBeGreaterThan(score!.oracle);
  });

  it.each([
    ['code', 'math'],
    ['math', 'code'],
  ])('of %s capture less of %s than chance', async (counted, judged) => {
    const { domains, score } = await captured([counted], judged);
    expect(score!.headroom).toBeLessThan(0);
    expect(domains[0]!.drift!.rebuild).toBe(true);
  });

  it.each(['code', 'math'])('mixed lose a part of %s', async (judged) => {
    const [own, mix] = [await captured([judged], judged), await captured(['code', 'math'], judged)];
    const lost = own.score!.captured - mix.score!.captured;
    expect(lost).toBeGreaterThan(0.1);
    expect(lost).toBeLessThan(0.2);
    expect(mix.score!.headroom).toBeGreaterThan(0.5);
  });
});
