import { ownValue } from '../../base/objects.js';
import { KEY_COLUMNS, keyColumnOf, type RunRow } from './run-row.js';
import type { SweepValue } from './space.js';
import type { Study } from './study.js';

interface LongColumn {
  /** Metrics include the unit: `latency.tpot.p50 [ns]`. */
  readonly name: string;
  of(row: RunRow): SweepValue | null;
}

/** Columns of a study's table. */
export function longColumns({ axes, units }: Study): LongColumn[] {
  return [
    ...KEY_COLUMNS.map((name): LongColumn => ({ name, of: ({ key }) => key[name] ?? null })),
    ...axes
      .filter((path) => keyColumnOf(path) === null)
      .map((path): LongColumn => ({ name: path, of: ({ values }) => ownValue(values, path) ?? null })),
    { name: 'status', of: ({ status }) => status },
    { name: 'reason', of: ({ reason }) => reason },
    { name: 'again', of: ({ again }) => again ?? null },
    ...Object.entries(units).map(([name, unit]): LongColumn => ({ name: `${name} [${unit}]`, of: ({ metrics }) => metrics[name] ?? null })),
  ];
}

/** JSON lines: an object per row, with all columns. */
export const longJsonLines = (study: Study): string => [...longJsonParts(study)].join('');

/** {@link longJsonLines}, line by line. */
export function* longJsonParts(study: Study): Generator<string> {
  const columns = longColumns(study);
  for (const row of study.rows) yield `${JSON.stringify(Object.fromEntries(columns.map(({ name, of }) => [name, of(row)])))}\n`;
}

/** Writer of a study as Parquet; columns of mixed types become text. */
export async function longParquet(): Promise<(study: Study) => Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  return (study) => new Uint8Array(parquetWriteBuffer({ columnData: parquetColumns(study) }));
}

function parquetColumns(study: Study) {
  const columns = longColumns(study);
  const values = columns.map((): (SweepValue | null)[] => []);
  for (const row of study.rows) for (const [at, { of }] of columns.entries()) values[at]!.push(of(row));
  return columns.map(({ name }, at) => {
    const data = values[at]!;
    const kinds = new Set(data.filter((value) => value !== null).map((value) => typeof value));
    const [kind = 'string'] = kinds;
    if (kinds.size > 1 || kind === 'string') {
      return { name, data: data.map((value) => (value === null ? null : String(value))), type: 'STRING' as const, nullable: true };
    }
    return { name, data, type: kind === 'boolean' ? ('BOOLEAN' as const) : ('DOUBLE' as const), nullable: true };
  });
}
