// A progress bar on stderr: only on a terminal (or when asked), only for work of more than a second, and gone when the work is done,
// so that neither logs nor results ever carry it.
import { formatCount } from '../base/units.js';

/** How progress is shown. `lines`: one line per tenth, for logs. */
export type ProgressMode = 'bar' | 'lines' | 'off';

/** What a bar needs from the world. */
export interface ProgressSink {
  write(text: string): unknown;
  /** Columns of the terminal. */
  readonly width: number;
  readonly unicode: boolean;
  /** Milliseconds, from any origin. */
  now(): number;
}

/** Work shorter than this shows nothing, ms. */
const DELAY = 1000;
/** Time between two drawings, ms. */
const INTERVAL = 100;
const BAR = 24;

/** Progress of one piece of work. Cheap to update: most updates only compare two numbers. */
export class Progress {
  readonly #mode: ProgressMode;
  readonly #sink: ProgressSink;
  readonly #label: string;
  readonly #total: number;
  readonly #unit: string;
  readonly #start: number;
  #next: number;
  #tenths = 0;
  #drawn = false;

  /**
   * @param label what is being done, e.g. `replaying`
   * @param total units of work
   * @param unit their name, e.g. `tokens`
   */
  constructor(mode: ProgressMode, sink: ProgressSink, label: string, total: number, unit: string) {
    this.#mode = mode;
    this.#sink = sink;
    this.#label = label;
    this.#total = Math.max(1, total);
    this.#unit = unit;
    this.#start = sink.now();
    this.#next = this.#start + DELAY;
  }

  /** So many units are done. */
  update(done: number): void {
    if (this.#mode === 'off') return;
    if (this.#mode === 'lines') {
      const tenths = Math.floor((10 * done) / this.#total);
      if (tenths <= this.#tenths) return;
      this.#tenths = tenths;
      this.#sink.write(`${this.#text(done)}\n`);
      return;
    }
    const now = this.#sink.now();
    if (now < this.#next) return;
    this.#next = now + INTERVAL;
    this.#drawn = true;
    const filled = Math.min(BAR, Math.floor((BAR * done) / this.#total));
    const [full, empty] = this.#sink.unicode ? ['█', '░'] : ['#', '.'];
    const line = `${full.repeat(filled)}${empty.repeat(BAR - filled)} ${this.#text(done)}${this.#remaining(done, now)}`;
    // Back to the first column, the line, and nothing of a longer one before it; a line that wraps could not be taken back.
    this.#sink.write(`\r${line.slice(0, Math.max(1, this.#sink.width - 1))}\u001b[K`);
  }

  /** Takes the bar away. */
  finish(): void {
    if (this.#drawn) this.#sink.write('\r\u001b[K');
    this.#drawn = false;
    this.#next = Number.POSITIVE_INFINITY;
  }

  #text(done: number): string {
    const percent = Math.floor((100 * Math.min(done, this.#total)) / this.#total);
    return `${this.#label} ${String(percent).padStart(3)} % (${formatCount(done)} of ${formatCount(this.#total)} ${this.#unit})`;
  }

  #remaining(done: number, now: number): string {
    if (done <= 0 || done >= this.#total) return '';
    const seconds = Math.ceil((((now - this.#start) / done) * (this.#total - done)) / 1000);
    return `, ${seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${seconds} s`} left`;
  }
}
