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
      throw new UserError(`${place}: has ${cells.length} words, and ${head.length} are expected: ${head.join(' ').slice(0, 80)}`);
    const [name = ''] = cells;
    if (rated.has(name)) throw new UserError(`${place}: ${name.slice(0, 60)} stands twice; keep one of them`);
    rated.set(name, {
      scores: scales.map((_, k) => scoreIn(cells[k + 1]!, place)),
      released: dated ? cells.at(-1)!.replace(/[-?]+$/, '') : '',
    });
  }
  if (rated.size === 0) throw new UserError(`${path}: has no model; write a row each: name score`);
  return new ModelQuality(scales, rated);
}

function scoreIn(text: string, place: string): number | null {
  if (text === '-') return null;
  const score = Number(text);
  if (text !== '' && Number.isFinite(score)) return score;
  throw new UserError(`${place}: "${text.slice(0, 40)}" is no score; write a number, or - for none`);
}

/** Models in order of quality. */
export class ModelQuality {
  readonly #scales: readonly string[];
  readonly #rated: ReadonlyMap<string, Rated>;
  readonly #order: ReadonlyMap<string, number>;

  /** @param scales first to last in the order */
  constructor(scales: readonly string[], rated: ReadonlyMap<string, Rated>) {
    this.#scales = scales;
    this.#rated = rated;
    const order = [...scales.keys()].reduce<string[]>((joined, k) => this.#joined(joined, k), []);
    this.#order = new Map(order.map((name, at) => [name, at]));
  }

  /** Score on the first scale that has the model; null: none. */
  scoreOf(model: string): { readonly score: number; readonly scale: string } | null {
    const scores = this.#rated.get(model)?.scores ?? [];
    const at = scores.findIndex((score) => score !== null);
    return at < 0 ? null : { score: scores[at]!, scale: this.#scales[at]! };
  }

  /** Best first: by scales, then by release, then by name. */
  ordered(models: readonly string[]): string[] {
    const released = (name: string): string => this.#rated.get(name)?.released ?? '';
    const at = (name: string): number => this.#order.get(name) ?? Number.POSITIVE_INFINITY;
    return models.toSorted((a, b) => {
      if (at(a) !== at(b)) return at(a) - at(b);
      return released(a) === released(b) ? (a < b ? -1 : 1) : released(a) < released(b) ? 1 : -1;
    });
  }

  /** With a further scale: each model after those of both scales with no lower score there. */
  #joined(order: readonly string[], k: number): string[] {
    const scoreOf = (name: string): number => this.#rated.get(name)!.scores[k] ?? Number.NEGATIVE_INFINITY;
    const before = new Set(order);
    const added = [...this.#rated]
      .filter(([name, { scores }]) => scores[k] !== null && !before.has(name))
      .map(([name]) => name)
      .sort((a, b) => scoreOf(b) - scoreOf(a) || (a < b ? -1 : 1));
    // From the end: highest score so far.
    const joined: string[] = [];
    let highest = Number.NEGATIVE_INFINITY;
    for (const name of order.toReversed()) {
      highest = Math.max(highest, scoreOf(name));
      while (added.length > 0 && scoreOf(added.at(-1)!) <= highest) joined.push(added.pop()!);
      joined.push(name);
    }
    return [...added, ...joined.reverse()];
  }
}
