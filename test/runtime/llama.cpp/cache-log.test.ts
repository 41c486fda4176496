// The lines of the expert cache in logs of each engine and build: what is read of them, whose they are, and what is refused.
import { describe, expect, it } from 'vitest';
import { timingsOf } from '../../../src/runtime/timings.js';

const MIB = 2 ** 20;
const COMMAND = '$ llama-server -m gpt-oss-20b-mxfp4.gguf -cmoe --moe-cache-mib 2048';
const timing = (tokens: number, speed: number): string =>
  `prompt eval time =     500.00 ms /   512 tokens (    1.00 ms per token,  1024.00 tokens per second)
       eval time =    ${(1000 * tokens) / speed} ms /   ${tokens} tokens (   20.00 ms per token,    ${speed} tokens per second)`;

/** Lines of builds 11480, 12170 and 12191 of llama.cpp, and of ik_llama.cpp. */
const START = {
  b11480: [
    'llama_moe_cache:      CUDA0 MoE cache size =  2040.50 MiB for 9682.00 MiB of host experts',
    'llama_moe_cache: 24 layers, mxfp4:   161 slots (21.0%)',
  ],
  b12170: [
    'impl: 0.01.2 I llama_moe_cache:      CUDA0 MoE cache size =  2040.50 MiB for 9682.00 MiB of host experts',
    'impl: 0.01.2 I llama_moe_cache: 24 layers, mxfp4:   161 slots (21.0%, 1.7 tokens worth)',
  ],
  b12191: [
    'llama_moe_cache:      CUDA0 MoE cache size =  2040.50 MiB for 9682.00 MiB of host experts, 50% of the misses on the CPU',
    'llama_moe_cache: 24 layers, mxfp4:   161 slots (21.0%, 1.7 tokens worth)',
  ],
  ik: ['impl: CUDA0 MoE cache uses 2040.50 MiB for 9682.00 MiB of host experts', 'impl: 24 layer(s), 161 expert slots (21.0% coverage)'],
};
const END = {
  b11480: [
    'llama_moe_cache: ubatch <= 8: hits = 9000, misses = 1000, hit rate = 90.00%, uploaded = 12600.50 MiB',
    'llama_moe_cache: ubatch  > 8: hits = 60, misses = 40, hit rate = 60.00%, uploaded = 504.00 MiB',
    'llama_moe_cache: large batches: 12 experts copied from the cache, 151.00 MiB',
  ],
  b12170: ['0.09.9 I llama_moe_cache: ubatch <= 8: hits = 9000, misses = 1000, hit rate = 90.00%, uploaded = 12600.50 MiB'],
  b12191: ['llama_moe_cache: ubatch <= 8: hits = 9000, misses = 1000 (400 on the CPU), hit rate = 90.00%, uploaded = 7560.00 MiB'],
  ik: [
    'llama_moe_cache: requested 2048.00 MiB, allocated 2041.00 MiB',
    'llama_moe_cache: ubatch <= 8 hits=9000 misses=1000 evictions=800 hit-rate=90.00% uploaded=12600.50 MiB',
    'llama_moe_cache: ubatch 9-32 hits=60 misses=40 evictions=40 hit-rate=60.00% uploaded=504.00 MiB',
    'llama_moe_cache: skipped 7 large-batch and 0 ineligible layer accesses',
  ],
};

const logOf = (...lines: readonly (string | readonly string[])[]): string => [COMMAND, ...lines].flat().join('\n');
const cachesIn = (...lines: readonly (string | readonly string[])[]) =>
  timingsOf(logOf(...lines), 'log').map(({ expertCache }) => expertCache);

const size = { bytes: Math.round(2040.5 * MIB), hostBytes: 9682 * MIB, layers: 24, slots: 161 };
const small = { hits: 9000, misses: 1000, onCpu: 0, uploadedBytes: 12_600.5 * MIB };
const large = { hits: 60, misses: 40, onCpu: 0, uploadedBytes: 504 * MIB };

describe('the expert cache in a log', () => {
  it.each([
    ['b11480', { small, large, copiedBytes: 151 * MIB }, 'llama.cpp'],
    ['b12170', { small }, 'llama.cpp'],
    ['b12191', { small: { ...small, onCpu: 400, uploadedBytes: 7560 * MIB } }, 'llama.cpp'],
    ['ik', { small, large }, 'ik_llama.cpp'],
  ] as const)('of %s has sizes, uses, and the tokens of all requests', (build, uses, engine) => {
    const timings = timingsOf(logOf(START[build], timing(100, 40), timing(156, 39), END[build]), 'log');
    expect(timings.map((one) => [one.engine, one.expertCache])).toEqual(new Array(2).fill([engine, { size, tokens: 256, ...uses }]));
  });

  it('sums the sizes of several GPUs, and their groups', () => {
    const second = START.b12170.map((line) => line.replace('CUDA0', 'CUDA1'));
    const [cache] = cachesIn(START.b12170, START.b12170[1]!, second, timing(10, 40), END.b12170);
    expect(cache!.size).toEqual({ bytes: 2 * size.bytes, hostBytes: 2 * size.hostBytes, layers: 72, slots: 3 * 161 });
  });

  it('is that of the context which ends next: two servers in one file', () => {
    const other = END.b12170[0]!.replace('9000', '3000');
    const caches = cachesIn(START.b12170, timing(100, 40), END.b12170, START.b12170, timing(10, 20), timing(20, 20), other);
    expect(caches.map((cache) => [cache!.tokens, cache!.small!.hits])).toEqual([
      [100, 9000],
      [30, 3000],
      [30, 3000],
    ]);
  });

  it('of llama-bench has no tokens: nothing says how often a test ran', () => {
    const table = ['| model | size | params | test | t/s |', '| --- | --- | --- | --- | --- |', '| a | 1 GiB | 1 B | tg128 | 40.1 ± 0.1 |'];
    expect(cachesIn(START.b12191, table, END.b12170)).toEqual([{ size, small }]);
  });

  it('of the tables of llama-sweep-bench is read as well', () => {
    const table = [
      '|    PP |     TG |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |',
      '|   512 |    128 |      0 |    4.165 |   122.93 |    8.773 |    14.59 |',
    ];
    expect(cachesIn(START.ik, table, END.ik)).toEqual([{ size, small, large }]);
  });

  it('has the passes that there were', () => {
    expect(cachesIn(START.b12170, timing(8, 40), END.b11480[1]!)).toEqual([{ size, tokens: 8, large }]);
  });

  it('is not there where the server was killed before it could tell', () => {
    expect(cachesIn(START.b12191, timing(8, 40))).toEqual([undefined]);
  });
});

describe('what is not known of the cache', () => {
  it('whose tokens they are, where two contexts end together', () => {
    expect(cachesIn(START.b12170, timing(8, 40), END.b12170, END.b12170)).toEqual([undefined]);
    expect(cachesIn(START.b12170, timing(8, 40), END.b11480, 'freed', END.b11480[1]!)).toEqual([undefined]);
  });

  it('its size, where the same GPU has two', () => {
    const other = START.b12170.map((line) => line.replace('2040.50', '512.00'));
    const again = cachesIn(START.b12170, START.b12170, timing(8, 40), END.b12170);
    expect(again).toEqual([{ size, tokens: 8, small }]);
    expect(cachesIn(START.b12170, other, timing(8, 40), END.b12170)).toEqual([{ tokens: 8, small }]);
  });

  it.each([
    ['MiB that no memory has', '2040.50', `1${'0'.repeat(308)}`],
    ['no number', '2040.50', '1.2.3'],
    ['nothing', '2040.50', '0.00'],
    ['more than there is to hold', '2040.50', '9999.00'],
    ['slots without end', '161 slots', `${'9'.repeat(400)} slots`],
  ])('its size, where a line has %s', (_, text, hostile) => {
    expect(
      cachesIn(
        START.b12170.map((line) => line.replace(text, hostile)),
        timing(8, 40),
        END.b12170,
      ),
    ).toEqual([{ tokens: 8, small }]);
  });

  it.each([
    ['1e308 hits', 'hits = 9000', 'hits = 1e308'],
    ['negative hits', 'hits = 9000', 'hits = -9000'],
    ['hits of 400 digits', 'hits = 9000', `hits = ${'9'.repeat(400)}`],
    ['hits beyond what is counted exactly', 'hits = 9000', 'hits = 9007199254740992'],
    ['0 of 0', 'hits = 9000, misses = 1000 (400', 'hits = 0, misses = 0 (0'],
    ['more misses on the CPU than misses', '(400 on', '(1001 on'],
    ['nan % hits', '90.00%', 'nan%'],
    ['1e308 MiB', '7560.00', '1e308'],
    ['MiB of 308 digits', '7560.00', `1${'0'.repeat(308)}.00`],
    ['negative MiB', '7560.00', '-7560.00'],
    ['no number of MiB', '7560.00', '7.5.6'],
  ])('any of it, where its end has %s', (_, text, hostile) => {
    expect(END.b12191[0]).toContain(text);
    expect(cachesIn(START.b12191, timing(8, 40), END.b12191[0]!.replace(text, hostile))).toEqual([undefined]);
  });

  it('its tokens, where a request has more than are counted exactly', () => {
    for (const tokens of [`1${'0'.repeat(300)}`, '9'.repeat(400)])
      expect(
        cachesIn(START.b12170, timing(8, 40), timing(8, 40).replaceAll('/   8 tokens', `/   ${tokens} tokens`), END.b12170)[0],
      ).toEqual({ size, small });
  });

  it('anything of a line of a million letters, in no time that matters', () => {
    const long = `llama_moe_cache: ubatch <= 8: hits = ${'1'.repeat(1e6)}`;
    expect(cachesIn(START.b12191, long, timing(8, 40), `${'MoE cache uses 1'.repeat(1e5)}`)).toEqual([undefined]);
  });
});
