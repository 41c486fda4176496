// CSV files of arrivals: fields by the names of the header. Fields of such files hold numbers and words, hence no commas inside quotes.
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { type Arrival, type ArrivalFormat, momentOf, tokensOf } from './format.js';

/** A CSV format: the names of its columns. */
interface ColumnNames {
  readonly name: string;
  readonly summary: string;
  readonly cites: string;
  readonly arrival: string;
  readonly prompt: string;
  readonly output: string;
  /** Column of the request's class, where a file may have one. */
  readonly requestClass?: string;
  /** Reads a moment; @throws UserError that begins with `place` */
  moment(text: string, what: string, place: string): number;
}

/** A moment in units of `unitNs` ns. */
export const inUnits =
  (unitNs: number) =>
  (text: string, what: string, place: string): number =>
    momentOf(text, unitNs, what, place);

/** Splits a line at its commas; spaces and quotes around a field do not belong to it. */
function fieldsOf(line: string): string[] {
  return line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
}

/** Makes a format of CSV files with a header. */
export function columnFormat(names: ColumnNames): ArrivalFormat {
  const needed = [names.arrival, names.prompt, names.output];
  const headerOf = (line: string): string[] => fieldsOf(line.replace(/^\uFEFF/, ''));
  return {
    name: names.name,
    summary: names.summary,
    cites: names.cites,
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
      const classAt = names.requestClass === undefined ? -1 : header.indexOf(names.requestClass);
      return (line, place): Arrival => {
        const fields = fieldsOf(line);
        if (fields.length < header.length) {
          throw new UserError(`${place}: ${fields.length} fields, where the header names ${header.length}`);
        }
        return {
          arrivalNs: names.moment(fields[arrival]!, names.arrival, place),
          prompt: tokensOf(fields[prompt], names.prompt, place),
          output: tokensOf(fields[output], names.output, place),
          requestClass: classAt < 0 ? '' : fields[classAt]!,
        };
      };
    },
  };
}
