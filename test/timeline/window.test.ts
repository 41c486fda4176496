// `--timeline-window`: what is a window, and what is told to somebody who wrote none.
import { describe, expect, it } from 'vitest';
import { parseWindow } from '../../src/timeline/window.js';

describe('a window', () => {
  it.each([
    ['0.5s..1s', { by: 'time', from: 0.5e9, to: 1e9 }],
    ['2ms .. 1.5s', { by: 'time', from: 2e6, to: 1.5e9 }],
    ['0..10us', { by: 'time', from: 0, to: 1e4 }],
    ['2ms..', { by: 'time', from: 2e6, to: Number.POSITIVE_INFINITY }],
    ['..1s', { by: 'time', from: 0, to: 1e9 }],
    ['pass:100..120', { by: 'pass', from: 100, to: 120 }],
    ['passes: 7..7', { by: 'pass', from: 7, to: 7 }],
    ['pass:..3', { by: 'pass', from: 1, to: 3 }],
    ['pass:3..', { by: 'pass', from: 3, to: Number.POSITIVE_INFINITY }],
  ])('%s', (text, window) => {
    expect(parseWindow(text, '--timeline-window')).toEqual(window);
  });

  it.each([
    ['1s', /^--timeline-window 1s: is no range; write e\.g\. 0\.5s\.\.1s or pass:100\.\.120$/],
    ['1s..0.5s', /ends before it begins/],
    ['1s..1s', /ends before it begins/],
    ['100..200', /'100' has no unit; write 100ms, or pass:100\.\. for a pass/],
    ['1s..soon', /--timeline-window 1s\.\.soon: "soon" is not a duration; write e\.g\. 10us/],
    ['pass:0..4', /'0' is no pass; passes are counted from 1/],
    ['pass:1s..2s', /'1s' is no pass/],
    ['pass:9..3', /ends before it begins/],
  ])('refuses %s in one line', (text, message) => {
    expect(() => parseWindow(text, '--timeline-window')).toThrow(message);
  });
});
