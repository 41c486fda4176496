import type { Kind } from './kinds.js';

/** Characters per write. */
const BUFFER = 2 ** 18;

/** Track of an event; `tid` is unique in the file, since Perfetto keeps one name per `tid`. */
export interface Place {
  readonly pid: number;
  readonly tid: number;
}

/** Point of a flow: a time within a slice. */
export interface FlowPoint extends Place {
  readonly ns: number;
}

/** Complete slices in whole simulated ns, cut to a window. */
export class TraceEvents {
  /** Window `[fromNs, toNs)`, may move during the run. */
  fromNs = 0;
  toNs = Number.POSITIVE_INFINITY;
  /** Events written, without track names. */
  written = 0;

  readonly #out: (text: string) => void;
  #text = '{"displayTimeUnit":"ms","traceEvents":[\n';
  #first = true;
  #flows = 0;

  /** @param out takes text in pieces */
  constructor(out: (text: string) => void) {
    this.#out = out;
  }

  /** Names a group of tracks. */
  process(pid: number, name: string): void {
    this.#metadata('process', `"pid":${pid}`, pid, name);
  }

  track({ pid, tid }: Place, name: string): void {
    this.#metadata('thread', `"pid":${pid},"tid":${tid}`, tid, name);
  }

  /** @param label name suffix: ` L7 E42` @param args JSON members: `"bytes":4096` @returns false if invisible */
  slice(place: Place, kind: Kind, label: string, startNs: number, endNs: number, args = ''): boolean {
    const start = Math.max(startNs, this.fromNs);
    const end = Math.min(endNs, this.toNs);
    if (start >= end) return false;
    const { category, color, word } = kind;
    this.#event(
      `{"ph":"X","cat":"${category}","name":"${word}${label}","pid":${place.pid},"tid":${place.tid},"ts":${us(start)},"dur":${us(end - start)},"cname":"${color}"${args === '' ? '' : `,"args":{${args}}`}}`,
    );
    return true;
  }

  instant(place: Place, category: string, name: string, ns: number): void {
    if (!this.shows(ns)) return;
    this.#event(`{"ph":"i","s":"t","cat":"${category}","name":"${name}","pid":${place.pid},"tid":${place.tid},"ts":${us(ns)}}`);
  }

  /** Sets a counter, shown as `<name> <series>`. */
  counter(pid: number, name: string, series: string, value: number, ns: number): void {
    this.#event(`{"ph":"C","name":"${name}","pid":${pid},"ts":${us(ns)},"args":{"${series}":${value}}}`);
  }

  /** Draws an arrow through existing slices, if all are visible. @param points in time order, at least two */
  flow(name: string, points: readonly FlowPoint[]): void {
    if (!points.every(({ ns }) => this.shows(ns))) return;
    const id = ++this.#flows;
    points.forEach(({ pid, tid, ns }, i) => {
      const phase = i === 0 ? '"s"' : i < points.length - 1 ? '"t","bp":"e"' : '"f","bp":"e"';
      this.#event(`{"ph":${phase},"cat":"${name}","name":"${name}","id":${id},"pid":${pid},"tid":${tid},"ts":${us(ns)}}`);
    });
  }

  shows(ns: number): boolean {
    return ns >= this.fromNs && ns < this.toNs;
  }

  /** @param about extra fields */
  end(about: Readonly<Record<string, unknown>>): void {
    this.#text += `\n],"otherData":${JSON.stringify(about)}}\n`;
    this.#flush();
  }

  #metadata(what: 'process' | 'thread', of: string, order: number, name: string): void {
    this.#line(`{"ph":"M","name":"${what}_name",${of},"args":{"name":${JSON.stringify(name)}}}`);
    this.#line(`{"ph":"M","name":"${what}_sort_index",${of},"args":{"sort_index":${order}}}`);
  }

  #event(json: string): void {
    this.written++;
    this.#line(json);
  }

  #line(json: string): void {
    this.#text += this.#first ? json : `,\n${json}`;
    this.#first = false;
    if (this.#text.length >= BUFFER) this.#flush();
  }

  #flush(): void {
    this.#out(this.#text);
    this.#text = '';
  }
}

/** Whole ns as exact microseconds, with three decimals. */
function us(ns: number): string {
  const rest = ns % 1000;
  return `${(ns - rest) / 1000}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
}
