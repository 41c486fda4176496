// Azure LLM inference traces: a wall-clock time of seven decimals, context and generated tokens.
import { UserError } from '../../base/errors.js';
import { columnFormat } from './columns.js';

const STAMP = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)?$/;

const EPOCH_NS = Date.parse('2020-01-01T00:00:00Z') * 1e6;

/** Registry entry. */
export const azure = columnFormat({
  name: 'azure',
  summary: 'TIMESTAMP, ContextTokens, GeneratedTokens',
  cites: 'Azure LLM inference traces 2023 and 2024 (Splitwise, ISCA 2024; DynamoLLM, HPCA 2025)',
  arrival: 'TIMESTAMP',
  prompt: 'ContextTokens',
  output: 'GeneratedTokens',
  moment: (text, what, place) => {
    const match = STAMP.exec(text);
    const seconds = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`) * 1e6;
    if (Number.isNaN(seconds)) {
      throw new UserError(`${place}: ${what} is '${text}', where a time such as 2023-11-16 18:17:03.9799600 is expected`);
    }
    // From 2020 on, so that a double keeps the 100 ns that the traces have.
    return seconds - EPOCH_NS + Number((match![3] ?? '').padEnd(9, '0'));
  },
});
