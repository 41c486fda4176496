// Names that every object has (`toString`) or that mean its prototype, wherever a name is given: in flags, as operands, in profiles, results, rows,
// traces, headers and metadata. Each draws one line and exit code 2, like any other unknown name.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

const output = catchOutput();
const NAMES = ['__proto__', 'toString'];
const MORE_NAMES = [...NAMES, 'constructor', 'hasOwnProperty'];

/** Commands, with NAME where the name stands. */
const COMMANDS = [
  ...['-s NAME', '-s fiddler,NAME', '-m NAME', '-w NAME', '-w NAME+rtx-4090', '-w rtx-4090+NAME-7GB/s', '--runtime NAME', '-t NAME'],
  ...[
    '--policy NAME',
    '--policy lru:NAME=1',
    '--predictor NAME',
    '--predictor markov:NAME=1',
    '--predictor ensemble:parts=NAME',
    '--predictor ensemble:NAME=1',
  ],
  ...['--scheduler NAME', '--scheduler shortest-first:by=NAME', '--variant NAME', '--variant NAME=2', '--quantization NAME'],
  ...['--workload NAME', '--workload NAME:rate=2', '--workload poisson:NAME=2', '--slo NAME=3ms', '--fault NAME=1', '--fault at=1s,NAME=1'],
  ...['--on-miss NAME', '--on-miss load,NAME=3', '--on-miss load,when.NAME=3', '--assert NAME>3', '--trace-format NAME', '--format NAME'],
  ...[
    '--set NAME=1',
    '--set system.NAME=1',
    '--set system.cache.NAME=1',
    '-s expertflow --set system.predictor.NAME=1',
    '--set model.NAME=1',
    '--set runtime.NAME=1',
    '--set workload.NAME=1',
  ],
  ...['--set hardware.NAME=1', '--set memory.expertCache.NAME=1', '--tokens NAME', '--cache NAME', '--tokens 1NAME', '--cache 1NAME'],
].map((flags) => `run --tokens 8 ${flags}`);
const OTHERS = [
  ...[
    'explain NAME',
    'profiles list NAME',
    'schema NAME',
    'completion NAME',
    'baseline log NAME',
    'advise NAME',
    'search NAME',
    'plan NAME',
  ],
  ...[
    'machine show NAME',
    'model inspect NAME',
    'trace inspect NAME',
    'NAME',
    'table FOLDER/rows.jsonl --value NAME',
    'table FOLDER/rows.jsonl --rows NAME',
  ],
  ...['table FOLDER/rows.jsonl --columns NAME', 'table FOLDER/rows.jsonl --stat NAME', 'plot FOLDER/rows.jsonl --x NAME --y speed.decode'],
  ...[
    'plot FOLDER/rows.jsonl --x batch --y NAME',
    'report FOLDER/result.json --format NAME',
    'check FOLDER/rows.jsonl -w NAME',
    'predict eval NAME --eval mini-mixtral-8x8l',
    'baseline show NAME',
  ],
  ...['compare FOLDER/result.json FOLDER/result.json --assert NAME>3', 'reproduce NAME', 'curve --policies lru,NAME'],
];

/** Files with the name as a key; commands that read them. */
const FILES: readonly (readonly [file: string, text: (name: string) => string, command: string])[] = [
  ['metric.json', (name) => resultWith('metrics', name, { value: 1, unit: 'ns', better: 'lower', kind: 'exact' }), 'compare FILE FILE'],
  ['config.json', (name) => resultWith('config', name, 1), 'report FILE'],
  ['latency.json', (name) => resultWith('details', 'latency', JSON.parse(`{"${name}":[1]}`)), 'report FILE'],
  ['row.jsonl', (name) => `{"status":"done","system":"a","${name}":2}\n`, 'table FILE'],
  ['unit.jsonl', (name) => `{"status":"done","system":"a","${name} [ns]":2}\n`, 'table FILE --rows NAME'],
  ['study.json', (name) => study(`{"status":"done","reason":null,"key":{},"values":{"${name}":1},"metrics":{}}`), 'table FILE'],
  ['figures.json', (name) => study(`{"status":"done","reason":null,"key":{},"values":{},"metrics":{"${name}":1}}`), 'table FILE'],
  ['run.yaml', (name) => `${name}: 1\n`, 'run FILE'],
  ['memory.yaml', (name) => `memory: { ${name}: 1 }\n`, 'run FILE'],
  ['system.yaml', (name) => `system: { name: a, cache: { policy: { kind: lru, ${name}: 1 } } }\n`, 'run FILE'],
  ['runtime.yaml', (name) => `name: a\nbase: llama.cpp\ncpu: { operations: { ${name}: many } }\n`, 'run --runtime FILE'],
  ['model.json', (name) => `{"model_type":"${name}","architectures":["${name}"],"${name}":1}`, 'run -m FILE'],
  ['measured.jsonl', (name) => `{"id":"a","program":"${name}","${name}":1}\n`, 'validate FILE'],
  ['trace.jsonl', (name) => `{"format":"${name}","layers":"${name}"}\n`, 'trace inspect FILE'],
  ['trace.csv', (name) => `${name},layer,expert\n1,0,x\n`, 'trace inspect FILE'],
  ['trace.safetensors', (name) => header(`{"${name}":{"dtype":"${name}","shape":[1],"data_offsets":[0,1]}}`), 'trace inspect FILE'],
  ['metadata.safetensors', (name) => header(`{"__metadata__":{"${name}":1}}`), 'trace inspect FILE'],
  ['search.yaml', (name) => `axes: { ${name}: [1, 2] }\nobjectives: [speed.decode]\nprices: { ${name}: { ${name}: 1 } }\n`, 'search FILE'],
  ['sweep.yaml', (name) => `axes: { ${name}: [1, 2] }\n`, 'sweep FILE'],
];

const study = (row: string): string => `{"schema":"moeprof.study/1","rows":[${row}]}`;
const header = (text: string): string => `${String.fromCharCode(text.length)}\0\0\0\0\0\0\0${text}x`;

function resultWith(part: string, name: string, value: unknown): string {
  const { digest: _, ...result } = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'));
  const entries = [...Object.entries(result[part] ?? {}), [name, value]];
  return JSON.stringify({ ...result, [part]: Object.fromEntries(entries) });
}

beforeAll(async () => {
  expect(await runCli(['run', '--tokens', '8', '-q', '-o', join(folder, 'result.json')])).toBe(0);
  writeFileSync(join(folder, 'rows.jsonl'), '{"status":"done","system":"a","batch":2,"speed.decode [tokens/s]":3}\n');
});

async function refused(command: string, name: string): Promise<void> {
  const words = command.split(' ').map((word) => word.replaceAll('NAME', name).replaceAll('FOLDER', folder));
  const code = await runCli(words);
  expect([code, output.stderr.split('\n').length], `${words.join(' ')}: ${output.stderr}${output.stdout}`).toEqual([2, 2]);
  expect(output.stderr).toMatch(/^moeprof: /);
  expect(output.stderr).not.toMatch(/native code|\[object|function/);
}

it.each([...COMMANDS, ...OTHERS].flatMap((command) => NAMES.map((name) => [command, name])))('%s, NAME = %s', refused);

it.each(FILES.flatMap(([file, text, command]) => MORE_NAMES.map((name) => [file, command, name, text] as const)))(
  '%s: %s, NAME = %s',
  async (file, command, name, text) => {
    const path = join(folder, file);
    writeFileSync(path, text(name));
    await refused(command.replaceAll('FILE', path), name);
  },
);
