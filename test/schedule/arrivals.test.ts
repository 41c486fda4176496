// Arrivals from files of all formats and from processes, and errors that name file and line.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { arrivalsDigest, atRate } from '../../src/schedule/arrivals/arrivals.js';
import { gamma, loadArrivals, parseArrivals, readArrivals } from '../../src/schedule/arrivals/load.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

function file(text: string, name = 'arrivals.csv'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('readArrivals', () => {
  const two = { count: 2, arrivalNs: Float64Array.of(0, 1.5e9), prompt: Int32Array.of(10, 20), output: Int32Array.of(3, 4) };

  it.each([
    ['azure', 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9000000,10,3\n2023-11-16 18:17:05.4000000,20,4\n'],
    [
      'azure 2024',
      'TIMESTAMP,ContextTokens,GeneratedTokens\r\n2024-05-10 00:00:00.009930+00:00,10,3\r\n2024-05-10 00:00:01.509930+00:00,20,4',
    ],
    [
      'mooncake',
      '{"timestamp": 27000, "input_length": 10, "output_length": 3, "hash_ids": [1]}\n{"timestamp": 28500, "input_length": 20, "output_length": 4}\n',
    ],
    ['vidur', 'arrived_at,num_prefill_tokens,num_decode_tokens\n7.25,10,3\n8.75,20,4\n'],
    ['llmservingsim', 'arrival_time_ns,input_toks,output_toks\n46926808,10,3\n1546926808,20,4\n'],
    ['generic', 'prompt, output, arrival\n10, 3, 0\n\n20, 4, 1500ms\n'],
  ])('%s', (_, text) => {
    const read = readArrivals(file(text));
    // Times of a wall clock keep 16 ns in a double.
    expect(Math.abs(read.arrivalNs[1]! - 1.5e9)).toBeLessThan(32);
    expect({ ...read, arrivalNs: two.arrivalNs }).toEqual({ ...two, requestClass: null });
  });

  it('classes come from a column of their own', () => {
    expect(readArrivals(file('arrival,prompt,output,class\n0,1,1,chat\n1,2,2,batch\n')).requestClass).toEqual(['chat', 'batch']);
  });

  it('takes no more requests than asked for, and does not read the line that follows them', () => {
    expect(readArrivals(file('arrival,prompt,output\n0,1,1\n1,2,2\nbroken\n'), 2).count).toBe(2);
  });

  it.each([
    ['arrival,prompt,output\n0,1,1\n1,zwei,2\n', ":3: prompt is 'zwei'"],
    ['arrival,prompt,output\n0,1,1\n1,2,0\n', ":3: output is '0'"],
    ['arrival,prompt,output\n0,1\n', ':2: 2 fields, where the header names 3'],
    ['arrival,prompt,output\nsoon,1,1\n', ":2: arrival is 'soon'"],
    ['arrival,prompt,output\n2,1,1\n1,1,1\n', ':3: arrives before the request above it'],
    ['arrival,prompt,output\n', ': holds no request'],
    ['', ': is empty'],
    ['a,b,c\n1,2,3\n', ':1: not a file of arrivals that is known'],
    ['TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,1\n', ":2: TIMESTAMP is 'yesterday'"],
    ['{"timestamp": 0, "input_length": 5, "output_length": 5}\n{"timest', ':2: not a JSON object'],
    ['{"timestamp": 0, "input_length": 5, "output_length": 5}\n{"timestamp": 1}', ":2: input_length is 'undefined'"],
  ])('refuses %j with its place', (text, message) => {
    const path = file(text);
    expect(() => readArrivals(path)).toThrow(path + message);
  });

  it('a file that is not there is told by its name', () => {
    expect(() => readArrivals(join(folder, 'none.csv'))).toThrow('none.csv: there is no such file');
  });
});

describe('loadArrivals', () => {
  it.each([
    ['poisson:rate=1e-300', ''],
    ['gamma:rate=1e-9,cv=2', ''],
    ['far.csv', 'arrival,prompt,output\n0,1,1\n1e308,1,1\n'],
    ['far.csv', 'arrival,prompt,output\n-1e308,1,1\n1e308,1,1\n'],
    ['far.csv', 'arrival,prompt,output\n0,1,1\n1e8,1,1\n'],
  ])('refuses %s where its times cannot be told apart in ns: %j', (spec, text) => {
    writeFileSync(join(folder, 'far.csv'), text);
    const load = (): unknown => loadArrivals({ arrivals: parseArrivals(spec), prompt: 1, output: 1 }, folder, 1);
    expect(load).toThrow(UserError);
    expect(load).toThrow(
      /^workload .*: the last request arrives later than 104 days after the first; is the rate, or the unit of time, right\?$/,
    );
  });

  it.each([5_000_001, 1e15])('L32: draws no %d requests', (requests) => {
    const load = (): unknown => loadArrivals({ arrivals: parseArrivals('poisson:rate=2'), prompt: 1, output: 1, requests }, folder, 1);
    expect(load).toThrow(/^workload poisson: asks for more than 5,000,000 requests; take fewer with workload\.requests$/);
  });

  const drawn = { prompt: 5, output: 6, requests: 20_000 };

  it.each([
    ['poisson:rate=4', 1],
    ['gamma:rate=4,cv=2', 2],
    ['gamma:rate=4,cv=0.5', 0.5],
  ])('%s has its rate and its burstiness', (arrivals, cv) => {
    const { arrivalNs, count, output, prompt } = loadArrivals({ arrivals: parseArrivals(arrivals), ...drawn }, '.', 7);
    const gaps = Array.from({ length: count - 1 }, (_, i) => arrivalNs[i + 1]! - arrivalNs[i]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    // Standard errors at 20,000 gaps: cv / 141 of the mean, a few per cent of the deviation.
    expect(mean / 0.25e9).toBeGreaterThan(0.95);
    expect(mean / 0.25e9).toBeLessThan(1.05);
    expect(deviation / mean / cv).toBeGreaterThan(0.93);
    expect(deviation / mean / cv).toBeLessThan(1.07);
    expect([prompt[9], output[9]]).toEqual([5, 6]);
  });

  it('the same seed draws the same, another seed does not', () => {
    const digest = (seed: number) => arrivalsDigest(loadArrivals({ arrivals: parseArrivals('poisson:rate=1'), ...drawn }, '.', seed));
    expect(digest(1)).toBe(digest(1));
    expect(digest(1)).not.toBe(digest(2));
  });

  it('another rate scales all gaps alike', () => {
    const path = file('arrival,prompt,output\n0,1,1\n1,1,1\n4,1,1\n');
    const options = { arrivals: parseArrivals(path), prompt: 1, output: 1, rate: 1 };
    // 2 gaps in 2 s: 1 request per second.
    expect([...loadArrivals(options, '.', 1).arrivalNs]).toEqual([0, 0.5e9, 2e9]);
    expect([...atRate(loadArrivals(options, '.', 1), 4).arrivalNs]).toEqual([0, 0.125e9, 0.5e9]);
  });

  it('says what is missing', () => {
    expect(() => loadArrivals({ arrivals: parseArrivals('poisson'), ...drawn }, '.', 1)).toThrow('needs a rate');
    expect(() => loadArrivals({ arrivals: parseArrivals('weibull'), ...drawn }, '.', 1)).toThrow('poisson, gamma');
    expect(() => loadArrivals({ arrivals: parseArrivals('gamma:rate=1,cv=0'), ...drawn }, '.', 1)).toThrow('out of range');
    expect(() =>
      loadArrivals({ arrivals: parseArrivals(file('arrival,prompt,output\n0,1,1\n0,1,1\n')), prompt: 1, output: 1, rate: 2 }, '.', 1),
    ).toThrow('all requests arrive at once');
  });
});

it('gamma has mean and variance of its shape', () => {
  const random = new Random(3, 'gamma');
  for (const shape of [0.25, 1, 4]) {
    const draws = Array.from({ length: 40_000 }, () => gamma(random, shape));
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean / shape - 1)).toBeLessThan(0.05);
    expect(Math.abs(variance / shape - 1)).toBeLessThan(0.1);
  }
});
