// L32: numbers that nobody means end in one line, or in an answer, within six times what a plain refusal takes, and 300 MB.
import { spawn } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { BIN, temporaryFolder } from './moeprof.js';

const TIMES = 6;
const MEGABYTES = 300;

/** Writes what the process took, as it ends. */
const METER = `data:text/javascript,${encodeURIComponent(`process.on('exit', () => {
  const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage();
  process.send([(userCPUTime + systemCPUTime) / 1e6, maxRSS / 1e3]);
})`)}`;

interface Taken {
  readonly code: number | null;
  readonly stderr: string;
  readonly seconds: number;
  readonly megabytes: number;
}

/** Runs a command, and ends it after a minute. */
function taken(args: readonly string[]): Promise<Taken> {
  const child = spawn(process.execPath, ['--import', METER, BIN, ...args], {
    cwd: temporaryFolder(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    timeout: 60_000,
  });
  let stderr = '';
  let used: readonly number[] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.on('message', (message) => {
    used = message as number[];
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stderr, seconds: used[0]!, megabytes: used[1]! }));
  });
}

const ADVISE = ['advise', 'qwen3.6-35b-a3b', '-w', 'rtx-3060+32GB'];
const RUN = ['run', '-m', 'olmoe-1b-7b'];

const CASES: readonly (readonly [line: RegExp, ...args: string[]])[] = [
  [/--prompt 1000000000: asks for more than 1,048,576 tokens; no model is trained on as many/, ...ADVISE, '--prompt', '1e9'],
  [/--prompt 1000000000000000: asks for more than 1,048,576 tokens/, ...ADVISE, '--prompt', '1e15'],
  [/--users 1000000: asks for more than rtx-3060\+32GB holds without a model, which is [\d,]+ KV caches/, ...ADVISE, '--users', '1000000'],
  [/--users 1000000000: asks for more than rtx-3060\+32GB holds/, 'breakeven', 'gpt-oss-20b', '-w', 'rtx-3060+32GB', '--users', '1,1e9'],
  [
    /advise: asks for more than 40,000,000 choices of experts; take fewer --users/,
    ...['advise', 'olmoe-1b-7b', '-w', 'rtx-3060+9007199254740993GB', '--users', '1e9'],
  ],
  [
    /advise: asks for more than 40,000,000 choices of experts; take fewer --users/,
    ...['advise', 'olmoe-1b-7b', '-w', 'rtx-3060+9007199254740993GB', '--users', '1e12'],
  ],
  [/synthetic routing: asks for more than 2,000,000 requests; take fewer tokens or longer requests/, ...RUN, '--tokens', '1000000000'],
  [/synthetic routing: asks for more than 4,000,000,000 choices of experts; take fewer tokens/, ...RUN, '--tokens', '100000000'],
  [
    /synthetic routing: asks for more than 2,000,000 requests/,
    ...RUN,
    '--tokens',
    '1000000000',
    '--set',
    'workload.prompt=1',
    '--set',
    'workload.output=1',
  ],
  [/workload poisson: asks for more than 5,000,000 requests/, ...RUN, '--workload', 'poisson:rate=10', '--requests', '1000000000'],
  [/synthetic routing: asks for more than 2,000,000 requests/, 'curve', '-m', 'olmoe-1b-7b', '--tokens', '1000000000'],
  [
    /synthetic routing: asks for more than 2,000,000 requests/,
    'plan',
    '-m',
    'olmoe-1b-7b',
    '--assert',
    'speed.decode >= 1',
    '--tokens',
    '1000000000',
  ],
  [
    /synthetic routing: asks for more than 2,000,000 requests/,
    'trace',
    'generate',
    '--like',
    'olmoe-1b-7b',
    '--tokens',
    '1e9',
    '-o',
    'x.jsonl',
  ],
  [
    /synthetic routing: asks for more than 2,000,000 requests/,
    ...['trace', 'generate', '--fit', 'mini-mixtral-8x8l', '--tokens', '1e9', '-o', 'x.jsonl'],
  ],
  [
    /sweep: asks for more than 100,000 runs; take fewer values, or a sample of them in a study/,
    ...['sweep', '-m', 'olmoe-1b-7b', '--vary', 'seed=1..1000', '--vary', 'workload.tokens=1..1000'],
  ],
];

/** A wrong number of the same command: the program starts, reads its profiles and ends. */
let plain: Taken;

beforeAll(async () => {
  plain = await taken(['plan', '-m', 'olmoe-1b-7b', '--assert', 'speed.decode >= 1', '--tokens', 'few']);
  expect(plain.code).toBe(2);
}, 90_000);

it.each(CASES.map(([line, ...args]) => ({ line, args, name: args.join(' ') })))(
  'L32: in one line: $name',
  { timeout: 90_000 },
  async ({ args, line }) => {
    const { code, megabytes, seconds, stderr } = await taken(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(line)]);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(seconds).toBeLessThan(TIMES * plain.seconds);
    expect(megabytes).toBeLessThan(MEGABYTES);
  },
);

it('L32: users cost a list of models nothing', { timeout: 90_000 }, async () => {
  const list = ['advise', 'olmoe-1b-7b', 'gpt-oss-20b', '-w', 'rtx-3060+32GB', '--prompt', '512', '--users'];
  const [one, many] = [await taken([...list, '1']), await taken([...list, '1e15'])];
  expect([one.code, many.code]).toEqual([0, 1]);
  expect(many.seconds).toBeLessThan(1.2 * one.seconds);
  expect(many.megabytes).toBeLessThan(MEGABYTES);
});
