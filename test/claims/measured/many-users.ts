// Errors of rows whose series vary the users, by constants that were fitted without the machine of the row.
import { groupedBy } from '../../../src/base/objects.js';
import { median } from '../../../src/base/significance.js';
import { percentile } from '../../../src/base/statistics.js';

/** Decode speed of a row: predicted over measured, by constants of all other machines and by those of all. */
export interface ServedRow {
  readonly runtime: string;
  readonly series: string;
  readonly machine: string;
  readonly users: number;
  readonly leftOut: number;
  readonly today: number;
}

/** Users at a time, each up to its number. */
const USERS = [1, 4, 16, 64, Number.POSITIVE_INFINITY];

const usersName = (at: number): string => {
  const [above, most] = [(USERS[at - 1] ?? 0) + 1, USERS[at]!];
  return most === Number.POSITIVE_INFINITY ? `${above} or more` : above === most ? `${most}` : `${above} to ${most}`;
};

const factorOf = (ratio: number): number => Math.exp(Math.abs(Math.log(ratio)));

const factorAt = (ratios: readonly number[], percent: number): number => percentile(Float64Array.from(ratios, factorOf).sort(), percent);

const shown = (factor: number): string => `x${factor.toFixed(2)}`;

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, ['---', ...head.slice(1).map(() => '---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const countOf = (rows: readonly ServedRow[], of: (row: ServedRow) => string): number => new Set(rows.map(of)).size;

/** Growth of a step from the fewest to the most users of each series, predicted over measured. */
function growthsOf(rows: readonly ServedRow[], ratio: (row: ServedRow) => number): number[] {
  return [...groupedBy(rows, ({ series }) => series).values()].flatMap((members) => {
    const byUsers = members.toSorted((a, b) => a.users - b.users);
    const [few, many] = [byUsers[0]!, byUsers.at(-1)!];
    return few.users === many.users ? [] : [ratio(few) / ratio(many)];
  });
}

/** Factors between prediction and measurement: medians, and those of growth also at p90. */
export function stepErrors(rows: readonly ServedRow[]) {
  const growths = growthsOf(rows, ({ leftOut }) => leftOut);
  const alone = rows.filter(({ users }) => users === 1);
  const medianOf = (ratios: readonly number[]): number => factorAt(ratios, 50);
  return {
    series: growths.length,
    growth: medianOf(growths),
    growthP90: factorAt(growths, 90),
    oneUser: medianOf(alone.map(({ leftOut }) => leftOut)),
    rows: medianOf(rows.map(({ leftOut }) => leftOut)),
    growthToday: medianOf(growthsOf(rows, ({ today }) => today)),
  };
}

function seriesLine(name: string, rows: readonly ServedRow[]): (string | number)[] {
  const { series, ...factors } = stepErrors(rows);
  return [name, series, countOf(rows, ({ machine }) => machine), ...Object.values(factors).map(shown)];
}

/** Two tables of docs/accuracy.md: growth by runtime, and rows by runtime and users. */
export function usersBlock(rows: readonly ServedRow[]): string {
  const byRuntime = [...groupedBy(rows, ({ runtime }) => runtime)].sort(([, a], [, b]) => b.length - a.length);
  const cells = byRuntime.flatMap(([runtime, own]) =>
    USERS.flatMap((most, at) => {
      const inside = own.filter(({ users }) => users <= most && users > (USERS[at - 1] ?? 0));
      if (inside.length === 0) return [];
      const ratios = inside.map(({ leftOut }) => leftOut);
      const bias = median(ratios) - 1;
      const signed = `${bias < 0 ? '' : '+'}${(100 * bias).toFixed(0)} %`;
      return [
        [
          runtime,
          usersName(at),
          inside.length,
          countOf(inside, ({ machine }) => machine),
          shown(factorAt(ratios, 50)),
          shown(factorAt(ratios, 90)),
          signed,
        ],
      ];
    }),
  );
  return [
    '**Steps of several users, by runtime**',
    'A step grows from the fewest to the most users of a series; predicted growth is off by the factor. Constants are those of all other machines.',
    table(
      ['runtime', 'series', 'machines', 'growth', 'p90', 'one user', 'rows', 'growth, constants of all'],
      [...byRuntime.map(([runtime, own]) => seriesLine(runtime, own)), seriesLine('all', rows)],
    ),
    '**By runtime and users**',
    table(['runtime', 'users', 'rows', 'machines', 'factor', 'p90', 'bias'], cells),
  ].join('\n\n');
}
