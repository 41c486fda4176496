// End of a cell as sent: a sealed result or failure.
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { bytesOf, joined, textOf } from '../../base/host/bytes.js';
import { deflatedFast, inflated } from '../../base/host/compression.js';
import { shortened, visible } from '../../base/text.js';
import { formatBytes } from '../../base/units.js';
import { SHA256_HEX } from '../../result/digest.js';
import { WORKER_NAME } from './protocol.js';
import type { Seal } from './seal.js';

/** Most characters of a reason; ours. */
const MOST_REASON = 2000;

/** Largest unpacked entry, bytes. Ours: a result with details has a few MiB. */
const LARGEST_ENTRY = 2 ** 28;

/** Compresses an entry to about a third: most text is metric names. @throws UserError if too large for a sweep */
export function packedEntry(entry: string): Uint8Array {
  if (entry.length > LARGEST_ENTRY)
    throw new UserError(
      `its result has ${formatBytes(entry.length)}, and at most ${formatBytes(LARGEST_ENTRY)} travel; run it without --queue`,
    );
  return deflatedFast(entry);
}

/** A result on the server: seal, worker name, and packed entry. */
export const resultData = (fingerprint: string, worker: string, entry: Uint8Array, seal: Seal): Uint8Array =>
  joined([bytesOf(`${seal.over('result', fingerprint, worker, entry)} ${worker}\n`), entry]);

/** Longest seal and name before the line break, bytes; ours. */
const LONGEST_HEAD = 200;

interface SentResult {
  readonly worker: string;
  /** Unchecked entry of the store. */
  readonly entry: string;
}

/** @returns null: an invalid seal @throws UserError if unpacking fails */
export function resultOf(fingerprint: string, data: Uint8Array, seal: Seal): SentResult | null {
  const end = data.subarray(0, LONGEST_HEAD).indexOf(10);
  const [, given, worker] = /^([0-9a-f]*) ([\w.@-]{1,100})$/.exec(textOf(data, 0, Math.max(0, end))) ?? [];
  const entry = data.subarray(end + 1);
  if (worker === undefined || !seal.holds(given, 'result', fingerprint, worker, entry)) return null;
  try {
    return { worker, entry: textOf(inflated(entry, LARGEST_ENTRY)) };
  } catch {
    throw new UserError('it does not unpack');
  }
}

const endShape = z.object({
  cell: z.string().regex(SHA256_HEX),
  worker: z.string().regex(WORKER_NAME),
  failure: z
    .string()
    .max(MOST_REASON)
    .refine((text) => text === visible(text))
    .optional(),
  again: z.literal('1').optional(),
  seal: z.string(),
});

/** End of a cell: a result on the server, a failure, or a request to resend the cell. */
export interface CellEnd {
  readonly fingerprint: string;
  readonly worker: string;
  /** Null: a result exists. */
  readonly failure: string | null;
  /** True: the server's cell was not the sweep's; `failure` is the fault. */
  readonly again?: boolean;
}

const endParts = ({ again, failure, fingerprint, worker }: CellEnd): string[] => [
  ...[fingerprint, worker, again === true ? '1' : ''],
  ...(failure === null ? [] : [failure]),
];

/** Fields of a stream entry. */
export function doneFields(end: CellEnd, seal: Seal): string[] {
  const failure = end.failure === null ? null : shortened(visible(end.failure), MOST_REASON);
  const sent = { ...end, failure };
  return [
    ...['cell', end.fingerprint, 'worker', end.worker, 'seal', seal.over('end', ...endParts(sent))],
    ...(failure === null ? [] : ['failure', failure]),
    ...(end.again === true ? ['again', '1'] : []),
  ];
}

/** @param seal null: any writer @returns null: malformed, or an invalid seal */
export function doneOf(fields: readonly string[], seal: Seal | null): CellEnd | null {
  const pairs = new Map(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]] as const] : [])));
  const { data } = endShape.safeParse(Object.fromEntries(pairs));
  if (data === undefined) return null;
  const { again, cell, failure = null, worker } = data;
  const end = { fingerprint: cell, worker, failure, ...(again === undefined ? {} : { again: true }) };
  return seal === null || seal.holds(data.seal, 'end', ...endParts(end)) ? end : null;
}
