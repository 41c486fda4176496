// Models known by parameters alone.
import { bundledText } from '../../base/profiles.js';
import { editDistance, nearest } from '../../base/text.js';
import { knownNames, stems } from './relatives.js';

/** Parameters in billions. */
interface Size {
  readonly total: number;
  /** Null: unknown. */
  readonly active: number | null;
}

const TOTAL = /(?:^|[-_.])(\d{1,4}(?:\.\d{1,2})?)([bt])(?![a-z\d])/;
const BOTH = /(?:^|[-_.])(\d{1,4}(?:\.\d{1,2})?)([bt])[-_]?a(\d{1,3}(?:\.\d{1,2})?)([bm])(?![a-z\d])/;

/** Furthest off in 20 names, against parameters counted in repositories. */
const NAME_OFF = { total: 0.06, active: 0.41 };
/** Bits per weight of eight in ten bundled models. */
const Q4_K_M = [4.8, 5.3] as const;
/** Relative; ours. */
const SAME_SIZE = 0.15;

const inBillions = (number: string, unit: string): number => Number(number) * (unit === 't' ? 1000 : unit === 'm' ? 0.001 : 1);

function sizeInName(repo: string): Size | null {
  const [, total, unit, active, part] = BOTH.exec(repo) ?? [];
  if (total !== undefined) return { total: inBillions(total, unit!), active: inBillions(active!, part!) };
  const [, whole, wholeUnit] = /[-_.]moe(?=[-_.]|$)/.test(repo) ? (TOTAL.exec(repo) ?? []) : [];
  return whole === undefined ? null : { total: inBillions(whole, wholeUnit!), active: null };
}

/** Rows of the table with `~`. */
function sizeOnCard(repo: string): (Size & { readonly source: string }) | null {
  const tried = new Set(stems(repo));
  for (const line of bundledText('models/table.txt').split('\n')) {
    if (!line.startsWith('~')) continue;
    const [head = '', names = '', source = ''] = line.slice(1).split('|');
    const [name = '', total, active] = head.trim().split(/ +/);
    if ([name, ...names.trim().toLowerCase().split(/ +/)].some((known) => tried.has(known)))
      return { total: Number(total), active: active === undefined ? null : Number(active), source: source.trim() };
  }
  return null;
}

const range = (low: number, high: number): string =>
  low < 10 ? `${low.toFixed(1)} to ${high.toFixed(1)}` : `${low.toFixed(0)} to ${high.toFixed(0)}`;
const gigabytes = (billions: number, off: number): string =>
  range((billions * (1 - off) * Q4_K_M[0]) / 8, (billions * (1 + off) * Q4_K_M[1]) / 8);

/** Bytes with a band for a lower-case name; null: no known parameters. */
export function sizeSentence(repo: string): string | null {
  const card = sizeOnCard(repo);
  const size = card ?? sizeInName(repo);
  if (size === null) return null;
  const off = card === null ? NAME_OFF : { total: 0.03, active: 0.07 };
  const active = size.active === null ? '' : `, ${size.active} B of them active`;
  const read = size.active === null ? '' : `, of which a token reads ${gigabytes(size.active, off.active)} GB`;
  const alike = namesOfSize(size.total);
  return (
    `its shape is not known, only parameters ${card === null ? 'in its name' : `(${card.source})`}: ${size.total} B${active}; ` +
    `assumed from them are ${gigabytes(size.total, off.total)} GB in q4_k_m${read}` +
    (alike.length === 0 ? '' : `; bundled of this size: ${alike.join(', ')}`)
  );
}

function namesOfSize(billions: number): string[] {
  const off = (total: number | null): number => Math.abs((total ?? 0) / 1e9 / billions - 1);
  const near = [...knownNames().values()]
    .filter(({ offered, total }) => offered && off(total) <= SAME_SIZE)
    .sort((a, b) => off(a.total) - off(b.total));
  return [...new Set(near.map(({ model }) => model))].slice(0, 3);
}

/** The model of the same size with the nearest name; null: none. */
export function nearOf(repo: string): string | null {
  const [, number, unit] = TOTAL.exec(repo) ?? [];
  const total = number === undefined ? null : inBillions(number, unit!);
  const isAlike = (known: number | null): boolean => total === null || Math.abs((known ?? 0) / 1e9 / total - 1) <= SAME_SIZE;
  const names = new Map([...knownNames()].filter(([, known]) => isAlike(known.total)));
  const known = names.get(nearestName(stems(repo).at(-1)!, [...names.keys()]) ?? '');
  if (known === undefined) return null;
  return known.total === null ? known.model : `${known.model} of ${Number((known.total / 1e9).toPrecision(3))} B`;
}

/** Longest common beginning, then smallest edit distance. */
function nearestName(repo: string, names: readonly string[]): string | undefined {
  for (let start = repo; start.length > 2; start = start.replace(/(?:^|[-_.]|(?<=[a-z])(?=\d))[^-_.]*$/, '')) {
    const [near] = names.filter((name) => name.startsWith(start)).sort((a, b) => editDistance(repo, a) - editDistance(repo, b));
    if (near !== undefined) return near;
  }
  return nearest(repo, names, 1)[0];
}
