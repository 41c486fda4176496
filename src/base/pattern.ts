// Untrusted patterns in time linear in text x pattern: all possible states advance together (Thompson, CACM 11(6),
// 1968). `RegExp` backtracks, for ever if repetitions nest.
import { LIMITS, Meter, type Work } from './meter.js';
import { type Edge, parseSyntax, type Ranges, type Syntax, WORD } from './pattern-syntax.js';

/** Regular expression with the same matches as `RegExp`. */
export interface Pattern {
  /** States plus ranges of characters: work per character of text. */
  readonly size: number;
  test(text: string): boolean;
}

/** Ours: users' longest, of about 300 characters, take a fifth. */
const STATES: Work = { ...LIMITS.matching, most: 4096, unit: 'states' };

/**
 * ECMAScript, as llama.cpp's `-ot` (std::regex): characters, `.`, sets, groups, `|`, repetitions, `^`, `$`, `\b` and
 * lookahead. @param steps counts states x characters @throws UserError if invalid or too large
 */
export function parsePattern(source: string, steps?: Meter): Pattern {
  new Meter('its pattern', STATES).spent(source.length);
  return new Program(parseSyntax(source), new Meter('its pattern', STATES), steps);
}

interface State {
  readonly does: 'one' | 'fork' | 'edge' | 'ahead' | 'found';
  readonly ranges: Ranges;
  readonly edge: Edge | null;
  /** Index of a lookahead; true if a match is required. */
  readonly ahead: number;
  readonly holds: boolean;
  /** Targets of a fork. */
  first: number;
  second: number;
}

const STATE: State = { does: 'found', ranges: [], edge: null, ahead: 0, holds: true, first: 0, second: 0 };

const isWord = (code: number): boolean => within(WORD, code);

function within(ranges: Ranges, code: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (code >= ranges[i]! && code <= ranges[i + 1]!) return true;
  return false;
}

/** Reads from the end: lookaheads are decided before their states are reached. */
class Program implements Pattern {
  size = 0;
  readonly #states: State[] = [];
  readonly #aheads: Program[] = [];
  readonly #room: Meter;
  readonly #steps?: Meter;
  /** By state: last text position reached. Then work lists. */
  readonly #reached: Int32Array;
  readonly #open: Int32Array;
  readonly #taking: Int32Array;
  readonly #seeds: Int32Array;
  #opened = 0;

  constructor(node: Syntax, room: Meter, steps?: Meter) {
    this.#room = room;
    this.#steps = steps;
    this.#write(node);
    this.#put({ does: 'found' });
    const states = this.#states.length;
    [this.#reached, this.#open, this.#taking, this.#seeds] = [0, 0, 0, 1].map((more) => new Int32Array(states + more)) as Four;
  }

  test(text: string): boolean {
    this.#steps?.spent(this.size * (text.length + 1));
    return this.#found(text).includes(1);
  }

  #spend(states: number): void {
    this.#room.spent(states);
    this.size += states;
  }

  #put(state: Partial<State>): State {
    this.#spend(1 + (state.ranges?.length ?? 0) / 2);
    const whole = { ...STATE, ...state };
    this.#states.push(whole);
    return whole;
  }

  #write(node: Syntax): void {
    if (node.kind === 'one') this.#put({ does: 'one', ranges: node.ranges });
    else if (node.kind === 'edge') this.#put({ does: 'edge', edge: node.edge });
    else if (node.kind === 'all') for (const part of node.parts.toReversed()) this.#write(part);
    else if (node.kind === 'any') this.#writeAny(node.parts);
    else if (node.kind === 'repeat') this.#writeRepeat(node.of, node.least, node.most);
    else {
      this.#put({ does: 'ahead', ahead: this.#aheads.length, holds: node.holds });
      const ahead = new Program(node.of, this.#room);
      this.size += ahead.size;
      this.#aheads.push(ahead);
    }
  }

  #writeAny(parts: readonly Syntax[]): void {
    const ends: State[] = [];
    for (const [i, part] of parts.entries()) {
      const fork = i + 1 < parts.length ? this.#fork() : null;
      this.#write(part);
      if (fork === null) break;
      ends.push(this.#fork());
      fork.second = this.#states.length;
    }
    for (const end of ends) end.first = end.second = this.#states.length;
  }

  #writeRepeat(of: Syntax, least: number, most: number): void {
    const endless = most === Number.POSITIVE_INFINITY;
    let start = this.#states.length;
    for (let i = 0; i < least; i++) {
      this.#spend(1);
      start = this.#states.length;
      this.#write(of);
    }
    if (endless && least > 0) {
      this.#fork().first = start;
      return;
    }
    const forks: State[] = [];
    for (let i = least; i < (endless ? 1 : most); i++) {
      this.#spend(1);
      forks.push(this.#fork());
      this.#write(of);
    }
    if (endless) this.#put({ does: 'fork', first: start, second: start });
    for (const fork of forks) fork.second = this.#states.length;
  }

  #fork(): State {
    const next = this.#states.length + 1;
    return this.#put({ does: 'fork', first: next, second: next });
  }

  #found(text: string): Uint8Array {
    const aheads = this.#aheads.map((program) => program.#found(text));
    const found = new Uint8Array(text.length + 1);
    this.#reached.fill(-1);
    let seeds = 0;
    for (let at = text.length; at >= 0; at--) {
      this.#seeds[seeds++] = 0;
      this.#opened = 0;
      for (let i = 0; i < seeds; i++) this.#reach(this.#seeds[i]!, at);
      let taking = 0;
      while (this.#opened > 0) {
        const place = this.#open[--this.#opened]!;
        const { ahead, does, edge, first, holds, second } = this.#states[place]!;
        if (does === 'one') this.#taking[taking++] = place;
        else if (does === 'found') found[at] = 1;
        else if (does === 'fork') {
          this.#reach(first, at);
          this.#reach(second, at);
        } else if (does === 'edge' ? isAt(edge!, text, at) : (aheads[ahead]![at] === 1) === holds) this.#reach(place + 1, at);
      }
      seeds = 0;
      if (at === 0) break;
      const code = text.charCodeAt(at - 1);
      for (let i = 0; i < taking; i++)
        if (within(this.#states[this.#taking[i]!]!.ranges, code)) this.#seeds[seeds++] = this.#taking[i]! + 1;
    }
    return found;
  }

  #reach(state: number, at: number): void {
    if (this.#reached[state] === at) return;
    this.#reached[state] = at;
    this.#open[this.#opened++] = state;
  }
}

type Four = [Int32Array, Int32Array, Int32Array, Int32Array];

function isAt(edge: Edge, text: string, at: number): boolean {
  if (edge === '^') return at === 0;
  if (edge === '$') return at === text.length;
  return (isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at))) === (edge === 'b');
}
