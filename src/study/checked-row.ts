// A row of a study as moeprof wrote it once: read from a file, it may be anybody's.

import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { isOwnName } from '../base/objects.js';
import { visible } from '../base/text.js';
import { KEY_COLUMNS, type RunRow } from '../figure/door.js';
import { rangeOf } from '../result/catalogue.js';
import { metricKey } from '../result/read.js';

const value = z.union([z.string(), z.number(), z.boolean()]);
const line = z.string().transform(visible);
const parts = {
  again: line.optional(),
  key: z.partialRecord(z.enum(KEY_COLUMNS), value),
  values: z.record(z.string().refine(isOwnName), value),
  metrics: z.record(metricKey, z.number()),
  config: z.record(z.string().refine(isOwnName), z.unknown()).optional(),
};
const rowShape = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('done'), reason: z.null(), ...parts }),
  z.strictObject({ status: z.enum(['refused', 'failed']), reason: line, ...parts }),
]);

/** A row whose values are of their kinds and whose figures are ones that runs give. @param place for messages @throws UserError */
export function checkedRow(raw: unknown, place: string): RunRow {
  const { data, error } = rowShape.safeParse(raw);
  if (data === undefined) {
    const [{ message, path }] = error.issues as [z.core.$ZodIssue];
    throw new UserError(`${place}: is no row of a study: ${[...path.map(String), message].join(': ')}; write it again with moeprof sweep`);
  }
  for (const [name, figure] of Object.entries(data.metrics)) {
    const [least, most] = rangeOf(name);
    if (figure < least || figure > most)
      throw new UserError(`${place}: ${name} is ${figure}, which no run gives; write it again with moeprof sweep`);
  }
  return data as RunRow;
}
