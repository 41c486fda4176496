// Seeded ways in which recordings go wrong without breaking: lines lost, doubled and swapped, fields swapped, numbers spelt otherwise.
// Most of what comes out is read by somebody, so that the question is whether all readers see the same.
import type { Random } from '../../src/base/random.js';

/** Spellings of numbers that parsers disagree on. */
const SPELLINGS = [
  '1e2',
  '01',
  '+1',
  '1.0',
  '-0',
  ' 3',
  'NaN',
  '9007199254740993',
  '4294967299',
  '65535',
  '65536',
  '1.5',
  '0x10',
  '-1',
  '1_0',
];

/** `bytes`, reshaped once or twice; `others` are what it is put together with. */
export function reshape(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Buffer {
  let text = Buffer.from(bytes).toString('latin1');
  for (let times = 1 + random.below(2); times > 0; times--) text = STEPS[random.below(STEPS.length)]!(text, random, others);
  return Buffer.from(text, 'latin1');
}

type Step = (text: string, random: Random, others: readonly Uint8Array[]) => string;

const STEPS: readonly Step[] = [
  // A record is lost, doubled, or stands elsewhere.
  inRecords((records, at) => records.splice(at, 1)),
  inRecords((records, at) => records.splice(at, 0, records[at]!)),
  inRecords((records, at, random) => swap(records, at, random.below(records.length))),
  inRecords((records, at) => swap(records, at, Math.min(at + 1, records.length - 1))),
  inRecords((records, at) => records.splice(at)),
  inRecords((records, at) => records.splice(1, at)),
  inRecords((records, at, random) => records.splice(at, 0, random.below(2) === 0 ? '' : '  ')),
  // Files are put together.
  (text) => text + text,
  (text, random, others) => text + Buffer.from(others[random.below(others.length)]!).toString('latin1'),
  // What editors do.
  (text) => `\u00ef\u00bb\u00bf${text}`,
  (text) => text.replaceAll('\n', '\r\n'),
  (text, random) => (random.below(2) === 0 ? text.trimEnd() : `${text}\n\n`),
  // Numbers.
  atNumber((number, random) => {
    const at = random.below(number.length);
    return number.slice(0, at) + String(random.below(10)) + number.slice(at + 1);
  }),
  atNumber((_, random) => SPELLINGS[random.below(SPELLINGS.length)]!),
  atNumber((_, random) => String(random.below(14))),
  atNumber((number, random) => ['0', '+', '-', ' ', '"'][random.below(5)]! + number),
  atNumber((number, random) => number + ['.0', '.5', 'e0', 'e1', ' ', 'x', '"'][random.below(7)]!),
  // Fields, of one record or of all.
  inFields((fields, random) => swap(fields, random.below(fields.length), random.below(fields.length))),
  inFields((fields, random) => fields.splice(random.below(fields.length), 1)),
  inFields((fields, random) => fields.splice(random.below(fields.length), 0, fields[random.below(fields.length)]!)),
  everyRecord((fields, [one, other]) => swap(fields, one, other)),
  everyRecord((fields, [one]) => fields.splice(one, 1)),
  // A key that stands twice.
  (text, random) => {
    const keys = [...text.matchAll(/"\w+"\s*:\s*[^,{}]{1,20},/g)];
    if (keys.length === 0) return text;
    const { 0: key, index } = keys[random.below(keys.length)]!;
    return text.slice(0, index) + key.replace(/\d/, String(random.below(10))) + text.slice(index);
  },
];

/** Lines are records, and lists are, where there are few lines. */
function separatorOf(text: string): string {
  return text.split('\n', 4).length > 3 ? '\n' : '],';
}

function inRecords(change: (records: string[], at: number, random: Random) => unknown): Step {
  return (text, random) => {
    const separator = separatorOf(text);
    const records = text.split(separator);
    change(records, random.below(records.length), random);
    return records.join(separator);
  };
}

function inFields(change: (fields: string[], random: Random) => unknown): Step {
  return inRecords((records, at, random) => {
    const separator = fieldSeparator(records[at]!);
    const fields = records[at]!.split(separator);
    change(fields, random);
    records[at] = fields.join(separator);
  });
}

function everyRecord(change: (fields: string[], places: readonly [number, number]) => unknown): Step {
  return (text, random) => {
    const separator = separatorOf(text);
    const places = [random.below(5), random.below(5)] as const;
    const changed = text.split(separator).map((record) => {
      const fields = record.split(',');
      if (fields.length > Math.max(...places)) change(fields, places);
      return fields.join(',');
    });
    return changed.join(separator);
  };
}

function fieldSeparator(record: string): string {
  return record.includes(',') ? ',' : ' ';
}

function atNumber(change: (number: string, random: Random) => string): Step {
  return (text, random) => {
    const numbers = [...text.matchAll(/\d+/g)];
    if (numbers.length === 0) return text;
    const { 0: number, index } = numbers[random.below(numbers.length)]!;
    return text.slice(0, index) + change(number, random) + text.slice(index + number.length);
  };
}

function swap<T>(list: T[], one: number, other: number): void {
  [list[one], list[other]] = [list[other]!, list[one]!];
}
