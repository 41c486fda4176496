// Order of models by published quality: profiles/quality.txt, or a table of the user's.
import { UserError } from '../base/errors.js';
import { readText } from '../base/input-file.js';
import { remembered } from '../base/objects.js';
import { bundledText, shownPath } from '../base/profiles.js';

/** Scores of a model by scale, and its release. */
interface Rated {
  /** By scale, as in the table; null: none. */
  readonly scores: readonly (number | null)[];
  /** Month or year; empty: unknown. */
  readonly released: string;
}

/** Models in order of quality. */
export interface ModelQuality {
  /** Scales, the first one first in the order. */
  readonly scales: readonly string[];
  /** Score on the first scale that has the model; null: none. */
  scoreOf(model: string): { readonly score: number; readonly scale: string } | null;
  /** Best first: by scales, then by release, then by name. */
  ordered(models: readonly string[]): string[];
}

const BUNDLED = 'quality.txt';
const known = new Map<string, ModelQuality>();

/** @param path a table of the user's; absent: the bundled one @throws UserError `file:line: what` */
export function qualityOf(path?: string): ModelQuality {
  return path === undefined
    ? remembered(known, BUNDLED, () => qualityIn(bundledText(BUNDLED), BUNDLED))
    : qualityIn(readText(path), shownPath(path));
}

/**
 * A head `name SCALE... month`, and a row for each model; `-`: none. Without a head: names and scores.
 * @throws UserError `file:line: what`
 */
export function qualityIn(text: string, path: string): ModelQuality {
  const lines = text.split(/\r?\n/).map((line, i) => ({ cells: line.trim().split(/[\s,;]+/), place: `${path}:${i + 1}` }));
  const rows = lines.filter(({ cells: [first = ''] }) => first !== '' && !first.startsWith('#'));
  const head = rows[0]?.cells[0] === 'name' ? rows.shift()!.cells : ['name', 'score'];
  const dated = head.at(-1) === 'month';
  const scales = head.slice(1, dated ? -1 : undefined).map((scale) => scale.replaceAll('_', ' '));
  const rated = new Map<string, Rated>();
  for (const { cells, place } of rows) {
    if (cells.length !== head.length)
      throw new UserError(`${place}: has ${cells.length} words, and ${head.length} are expected: ${head.join(' ')}`);
    const [name = ''] = cells;
    if (rated.has(name)) throw new UserError(`${place}: ${name.slice(0, 60)} stands twice; keep one of them`);
    rated.set(name, {
      scores: scales.map((_, k) => scoreIn(cells[k + 1]!, place)),
      released: dated ? cells.at(-1)!.replace(/[-?]+$/, '') : '',
    });
  }
  if (rated.size === 0) throw new UserError(`${path}: has no model; write a row each: name score`);
  return new RatedModels(scales, rated);
}

function scoreIn(text: string, place: string): number | null {
  if (text === '-') return null;
  const score = Number(text);
  if (text !== '' && Number.isFinite(score)) return score;
  throw new UserError(`${place}: "${text.slice(0, 40)}" is no score; write a number, or - for none`);
}

class RatedModels implements ModelQuality {
  readonly scales: readonly string[];
  readonly #rated: ReadonlyMap<string, Rated>;
  readonly #order: ReadonlyMap<string, number>;

  constructor(scales: readonly string[], rated: ReadonlyMap<string, Rated>) {
    this.scales = scales;
    this.#rated = rated;
    const order: string[] = [];
    for (const k of scales.keys()) this.#join(order, k);
    this.#order = new Map(order.map((name, at) => [name, at]));
  }

  scoreOf(model: string): ReturnType<ModelQuality['scoreOf']> {
    const scores = this.#rated.get(model)?.scores ?? [];
    const at = scores.findIndex((score) => score !== null);
    return at < 0 ? null : { score: scores[at]!, scale: this.scales[at]! };
  }

  ordered(models: readonly string[]): string[] {
    const released = (name: string): string => this.#rated.get(name)?.released ?? '';
    const at = (name: string): number => this.#order.get(name) ?? Number.POSITIVE_INFINITY;
    return models.toSorted((a, b) => {
      if (at(a) !== at(b)) return at(a) - at(b);
      return released(a) === released(b) ? (a < b ? -1 : 1) : released(a) < released(b) ? 1 : -1;
    });
  }

  /** Adds a further scale: each model after those of both scales with no lower score there. */
  #join(order: string[], k: number): void {
    const scoreOf = (name: string): number | null => this.#rated.get(name)!.scores[k]!;
    const added = [...this.#rated.keys()].filter((name) => scoreOf(name) !== null && !order.includes(name));
    for (const name of added.toSorted((a, b) => scoreOf(b)! - scoreOf(a)! || (a < b ? -1 : 1))) {
      const before = order.findLastIndex((other) => (scoreOf(other) ?? Number.NEGATIVE_INFINITY) >= scoreOf(name)!);
      order.splice(before + 1, 0, name);
    }
  }
}
