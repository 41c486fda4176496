// CSV files of arrivals: columns by header name, without commas inside quotes.
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { DURATION, parseDuration } from '../../base/units.js';
import { type Arrival, type ArrivalFormat, arrivalTimeOf, tokensOf } from './format.js';

interface ColumnNames extends Pick<ArrivalFormat, 'name' | 'summary' | 'cites'> {
  readonly arrival: string;
  readonly prompt: string;
  readonly output: string;
  /** Column of the request's class, if the format has classes. */
  readonly requestClass?: string;
  /** @throws UserError that begins with `place` */
  arrivalTime(text: string, what: string, place: string): number;
}

/** A moment in units of `unitNs` ns. */
const inUnits =
  (unitNs: number) =>
  (text: string, what: string, place: string): number =>
    arrivalTimeOf(text, unitNs, what, place);

const fieldsOf = (line: string): string[] => line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'));

function columnFormat({ name, summary, cites, arrivalTime: moment, requestClass, ...names }: ColumnNames): ArrivalFormat {
  const needed = [names.arrival, names.prompt, names.output];
  const headerOf = (line: string): string[] => fieldsOf(line.replace(/^\uFEFF/, ''));
  return {
    name,
    summary,
    cites,
    header: true,
    recognises: (firstLine) => {
      const header = headerOf(firstLine);
      return needed.every((column) => header.includes(column));
    },
    reader: (firstLine) => {
      const header = headerOf(firstLine);
      const [arrival, prompt, output] = needed.map((column) => {
        const at = header.indexOf(column);
        if (at < 0) throw new UserError(`column "${column}" is missing; ${didYouMean(column, header)}`);
        return at;
      }) as [number, number, number];
      const classAt = requestClass === undefined ? -1 : header.indexOf(requestClass);
      return (line, place): Arrival => {
        const fields = fieldsOf(line);
        if (fields.length < header.length)
          throw new UserError(`${place}: ${fields.length} fields, where the header names ${header.length}`);
        return {
          arrivalNs: moment(fields[arrival]!, names.arrival, place),
          prompt: tokensOf(fields[prompt], names.prompt, place),
          output: tokensOf(fields[output], names.output, place),
          requestClass: classAt < 0 ? '' : fields[classAt]!,
        };
      };
    },
  };
}

const STAMP = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)?$/;

const EPOCH_NS = Date.parse('2020-01-01T00:00:00Z') * 1e6;

const seconds = inUnits(1e9);

/** Azure LLM inference traces: wall-clock times of seven decimals, context and generated tokens. */
export const azure = columnFormat({
  name: 'azure',
  summary: 'TIMESTAMP, ContextTokens, GeneratedTokens',
  cites: 'Azure LLM inference traces 2023 and 2024 (Splitwise, ISCA 2024; DynamoLLM, HPCA 2025)',
  arrival: 'TIMESTAMP',
  prompt: 'ContextTokens',
  output: 'GeneratedTokens',
  arrivalTime: (text, what, place) => {
    const match = STAMP.exec(text);
    const secondNs = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`) * 1e6;
    if (Number.isNaN(secondNs))
      throw new UserError(`${place}: ${what} is '${text}', where a time such as 2023-11-16 18:17:03.9799600 is expected`);
    // Counts from 2020, so that a double keeps the traces' 100 ns.
    return secondNs - EPOCH_NS + Number((match![3] ?? '').padEnd(9, '0'));
  },
});

/** Vidur's request traces: seconds, prompt and generated tokens. */
export const vidur = columnFormat({
  name: 'vidur',
  summary: 'arrived_at (s), num_prefill_tokens, num_decode_tokens',
  cites: 'Vidur, MLSys 2024, arXiv 2405.05465',
  arrival: 'arrived_at',
  prompt: 'num_prefill_tokens',
  output: 'num_decode_tokens',
  arrivalTime: seconds,
});

/** LLMServingSim's request traces: nanoseconds, prompt and generated tokens. */
export const llmservingsim = columnFormat({
  name: 'llmservingsim',
  summary: 'arrival_time_ns, input_toks, output_toks',
  cites: 'LLMServingSim, IISWC 2024, arXiv 2408.05499',
  arrival: 'arrival_time_ns',
  prompt: 'input_toks',
  output: 'output_toks',
  arrivalTime: inUnits(1),
});

/** moeprof's own format: `arrival, prompt, output`, and optionally `class`. */
export const generic = columnFormat({
  name: 'generic',
  summary: 'arrival (seconds, or with a unit: 250ms), prompt, output and, if there are several, class',
  cites: 'moeprof',
  arrival: 'arrival',
  prompt: 'prompt',
  output: 'output',
  requestClass: 'class',
  arrivalTime: (text, what, place) =>
    /[a-zµμ]$/i.test(text) && DURATION.read(text) !== null ? parseDuration(text, `${place}: ${what}`) : seconds(text, what, place),
});
