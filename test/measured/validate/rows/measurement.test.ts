// Reading rows: what stands in the bundled file, and what is said of lines that are no measurement.
import { describe, expect, it } from 'vitest';
import { findProfile } from '../../../../src/base/profiles.js';
import { parseRows, readMeasurements } from '../../../../src/measured/validate/rows/measurement.js';

const row = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'a',
  engine: 'llama.cpp',
  machine: { name: 'box', gpus: [{ name: 'rtx-3090', memory_gbps: 936 }] },
  model: { name: 'gpt-oss-20b', quant: 'mxfp4' },
  placement: { kind: 'cpu-layers', cpu_moe_layers: 12, where: 'cpu' },
  measured: { tg_tps: 20 },
  ...over,
});
const lines = (...rows: unknown[]): string => rows.map((one) => JSON.stringify(one)).join('\n');

describe('bundled rows', () => {
  it('are 369 of 69 machines, 229 to score in decode and 101 in prefill', () => {
    const rows = readMeasurements(findProfile('measurements', 'open'));
    expect(rows.length).toBe(369);
    expect(new Set(rows.map(({ machine }) => machine.name)).size).toBe(69);
    expect(rows.filter(({ scorable }) => scorable?.tg).length).toBe(229);
    expect(rows.filter(({ scorable }) => scorable?.pp).length).toBe(101);
    expect(rows.filter(({ pathology }) => pathology !== undefined).length).toBe(21);
  });

  it('are 17 of 6 machines whose graphics share the memory of the CPU', () => {
    const rows = readMeasurements(findProfile('measurements', 'unified'));
    expect(rows.length).toBe(17);
    expect(new Set(rows.map(({ machine }) => machine.name)).size).toBe(6);
    expect(rows.every(({ machine, placement }) => machine.unified === true && placement.kind === 'all-gpu')).toBe(true);
  });

  it('are 156 of 81 machines that no constant has seen', () => {
    const rows = readMeasurements(findProfile('measurements', 'second'));
    expect(rows.length).toBe(156);
    expect(new Set(rows.map(({ machine }) => machine.name)).size).toBe(81);
    expect(rows.filter(({ scorable }) => scorable?.tg).length).toBe(141);
    expect(rows.filter(({ scorable }) => scorable?.pp).length).toBe(75);
  });
});

describe('a file of rows', () => {
  it('may have empty lines, nulls, and fields of its collector', () => {
    const text = `\n${lines(row({ note: null, collected_by: 'me', machine: { name: 'box', gpus: [], rack: 7 } }))}\n\n`;
    const [read] = parseRows(text, 'rows.jsonl').speed;
    expect(read!.note).toBeUndefined();
    expect(read!.run).toEqual({});
  });

  it.each([
    ['no JSON', '{"id": ', /^rows\.jsonl:1: is not JSON \(.+\); write one object a line$/],
    ['lists in lists', '['.repeat(5000), 'rows.jsonl:1: nests more than 64 lists and objects; no such file does'],
    ['a list', '[1]', 'rows.jsonl:1: is not a JSON object; write {"id": ..., "engine": ..., ...}'],
    ['nothing at all', '\n\n', 'rows.jsonl: holds no measurement; write one JSON object a line (moeprof schema measurements)'],
    ['a missing field', lines(row({ engine: undefined })), 'rows.jsonl:1: engine: is missing; expected text'],
    [
      'a text for a number',
      lines(row(), row({ id: 'b', measured: { tg_tps: '20' } })),
      'rows.jsonl:2: measured.tg_tps: expected a number, not "20"',
    ],
    ['a speed of 0', lines(row({ measured: { tg_tps: 0 } })), 'rows.jsonl:1: measured.tg_tps: must be more than 0, not 0'],
    ['no figure', lines(row({ measured: {} })), 'rows.jsonl:1: measured: holds no figure; give at least one of tg_tps, pp_tps, hit_rate'],
    [
      'an unknown placement',
      lines(row({ placement: { kind: 'cpu-layer' } })),
      'rows.jsonl:1: placement.kind: must be one of cpu-layers, cpu-share, expert-cache, all-gpu, all-cpu, ssd-stream, not "cpu-layer"; did you mean "cpu-layers"?',
    ],
    [
      'a mistyped field deep inside',
      lines(row({ machine: { name: 'box', gpus: [{ name: 'rtx-3090', memory_gbp: 936 }] } })),
      'rows.jsonl:1: machine.gpus.0.memory_gbp: unknown key "memory_gbp"; did you mean "memory_gb"?',
    ],
    [
      'a mistyped figure',
      lines(row({ measured: { tg_tps: 1, pp_tp: 20 } })),
      'rows.jsonl:1: measured.pp_tp: unknown key "pp_tp"; did you mean "pp_tps"?',
    ],
    [
      'an unknown program',
      lines(row({ engine: 'llama.ccp' })),
      'rows.jsonl:1: engine: unknown engine "llama.ccp": did you mean "llama.cpp"?',
    ],
    ['a version behind a program', lines(row({ engine: 'llama.cpp b8833' })), 'unknown engine "llama.cpp b8833": did you mean "llama.cpp"'],
    ['an id that stands twice', lines(row(), row()), 'rows.jsonl:2: id: "a" stands in line 1 too; give each row its own'],
  ])('is refused for %s', (_, text, message) => {
    expect(() => parseRows(text, 'rows.jsonl')).toThrow(message);
  });

  it('leaves rows out that cannot be read, and takes the others', () => {
    const skipped: string[] = [];
    const text = lines(row(), row({ id: 'b', engine: 'somebody-new' }), row({ id: 'c', measured: {} }), row({ id: 'd' }));
    const { speed } = parseRows(text, 'rows.jsonl', ({ message }) => skipped.push(message));
    expect(speed.map(({ id }) => id)).toEqual(['a', 'd']);
    expect(skipped).toEqual([
      expect.stringMatching(/^rows\.jsonl:2: engine: unknown engine "somebody-new": known: llama\.cpp, /),
      'rows.jsonl:3: measured: holds no figure; give at least one of tg_tps, pp_tps, hit_rate',
    ]);
  });

  it('is refused where no row can be read', () => {
    const text = lines(row({ engine: 'somebody-new' }), row({ id: 'c', measured: {} }));
    const skip = (): void => expect.unreachable();
    expect(() => parseRows(text, 'rows.jsonl', skip)).toThrow(/^rows\.jsonl:1: engine: unknown engine "somebody-new"/);
  });
});

it('a series may be a name alone, of which nothing says what it varies', () => {
  const [named, whole] = parseRows(lines(row({ series: '5070ti' }), row({ id: 'b', series: { id: 's', vary: 'depth' } })), 'r.jsonl').speed;
  expect([named!.series, whole!.series]).toEqual([
    { id: '5070ti', vary: '' },
    { id: 's', vary: 'depth' },
  ]);
  expect(() => parseRows(lines(row({ series: 7 })), 'r.jsonl')).toThrow('r.jsonl:1: series: cannot be 7');
});
