import { formatCount } from '../../base/units.js';

/** `lines`: a line per tenth, for logs. */
export type ProgressMode = 'bar' | 'lines' | 'off';

interface ProgressSink {
  write(text: string): unknown;
  readonly width: number;
  readonly unicode: boolean;
  /** Milliseconds from any origin. */
  now(): number;
}

/** Delay before the first drawing, ms. Ours. */
const DELAY = 1000;
/** Time between two drawings, ms. Ours. */
const INTERVAL = 100;
/** Width of the bar, columns. Ours. */
const BAR = 24;

/** On stderr for work over a second, removed at the end. */
export interface Progress {
  /** @param aside text instead of the remaining time */
  update(done: number, aside?: string): void;
  finish(): void;
}

/**
 * Starts a display.
 * @param label e.g. `replaying`
 * @param total units of work; 0: label only
 * @param unit e.g. `tokens`
 */
export function startProgress(mode: ProgressMode, sink: ProgressSink, label: string, total: number, unit: string): Progress {
  const whole = Math.max(1, total);
  const start = sink.now();
  let next = start + DELAY;
  let tenths = 0;
  let drawn = false;
  const text = (done: number): string => {
    const percent = Math.floor((100 * Math.min(done, whole)) / whole);
    return `${label} ${String(percent).padStart(3)} % (${formatCount(done)} of ${formatCount(whole)} ${unit})`;
  };
  const remaining = (done: number, now: number): string => {
    if (done <= 0 || done >= whole) return '';
    const seconds = Math.ceil((((now - start) / done) * (whole - done)) / 1000);
    return `, ${seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${seconds} s`} left`;
  };
  const line = (done: number, aside?: string): void => {
    const reached = Math.floor((10 * done) / whole);
    if (reached <= tenths) return;
    tenths = reached;
    sink.write(`${text(done)}${aside === undefined ? '' : `, ${aside}`}\n`);
  };
  const shown = (done: number, now: number, aside?: string): string => {
    if (total === 0) return `${label} ${sink.unicode ? '…' : '...'}`;
    const filled = Math.min(BAR, Math.floor((BAR * done) / whole));
    const [full, empty] = sink.unicode ? ['█', '░'] : ['#', '.'];
    return `${full.repeat(filled)}${empty.repeat(BAR - filled)} ${text(done)}${aside === undefined ? remaining(done, now) : `, ${aside}`}`;
  };
  const bar = (done: number, aside?: string): void => {
    const now = sink.now();
    if (now < next) return;
    next = now + INTERVAL;
    drawn = true;
    // The line overwrites a possibly longer line, and must not wrap.
    sink.write(`\r${shown(done, now, aside).slice(0, Math.max(1, sink.width - 1))}\u001b[K`);
  };
  return {
    update: { bar, lines: line, off: () => undefined }[mode],
    finish: () => {
      if (drawn) sink.write('\r\u001b[K');
      drawn = false;
      next = Number.POSITIVE_INFINITY;
    },
  };
}
