// The bar under a clock of the test's own: silent for a second, drawn at most ten times a second, gone at the end.
import { describe, expect, it } from 'vitest';
import { type Progress, type ProgressMode, startProgress } from '../../../src/cli/kit/progress.js';

function bar(mode: ProgressMode, width = 80, unicode = true): { progress: Progress; written: string[]; at: (ms: number) => void } {
  let clock = 0;
  const written: string[] = [];
  const sink = { write: (text: string) => written.push(text), width, unicode, now: () => clock };
  return { progress: startProgress(mode, sink, 'replaying', 2000, 'tokens'), written, at: (ms) => (clock = ms) };
}

describe('progress', () => {
  it('shows nothing of work that ends within a second', () => {
    const { progress, written, at } = bar('bar');
    for (let ms = 0; ms < 1000; ms += 50) {
      at(ms);
      progress.update(ms);
    }
    progress.finish();
    expect(written).toEqual([]);
  });

  it('draws, no more than ten times a second, and takes itself away', () => {
    const { progress, written, at } = bar('bar');
    for (let ms = 1000; ms < 2000; ms += 10) {
      at(ms);
      progress.update(ms);
    }
    expect(written).toHaveLength(10);
    // Half of it in 1.0 s: another 1.0 s.
    expect(written[0]).toBe('\r████████████░░░░░░░░░░░░ replaying  50 % (1,000 of 2,000 tokens), 1 s left\u001b[K');
    progress.finish();
    expect(written.at(-1)).toBe('\r\u001b[K');
    progress.update(2000);
    expect(written).toHaveLength(11);
  });

  it('has an ASCII form, and never wraps', () => {
    const { progress, written, at } = bar('bar', 40, false);
    at(1500);
    progress.update(500);
    expect(written[0]).toBe(`${'\r######.................. replaying  25 %'.slice(0, 40)}\u001b[K`);
  });

  it('writes a line per tenth into logs', () => {
    const { progress, written } = bar('lines');
    for (let done = 0; done <= 2000; done += 10) progress.update(done);
    progress.finish();
    expect(written).toHaveLength(10);
    expect(written[9]).toBe('replaying 100 % (2,000 of 2,000 tokens)\n');
  });

  it('shows the label alone while it is not known how much there is to do', () => {
    let clock = 0;
    const written: string[] = [];
    const sink = { write: (text: string) => written.push(text), width: 80, unicode: true, now: () => clock };
    const progress = startProgress('bar', sink, 'preparing', 0, 'tokens');
    clock = 1100;
    progress.update(0);
    expect(written).toEqual(['\rpreparing …\u001b[K']);
    progress.finish();
    expect(written.at(-1)).toBe('\r\u001b[K');
  });

  it('is silent when off', () => {
    const { progress, written, at } = bar('off');
    at(5000);
    progress.update(1000);
    progress.finish();
    expect(written).toEqual([]);
  });
});
