// What users write wrong, in files and in flags of `moeprof run`: one line with the place and what to write instead, and exit code 2.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';
import { temporaryFolder } from '../support/folder.js';
import { pairsOf } from '../support/pairs.js';

const folder = temporaryFolder();

const output = catchOutput();

/** What `moeprof run` says, as if it ran in the folder of the profile. */
async function refusal(...words: string[]): Promise<string> {
  expect(await runCli(['run', ...words])).toBe(2);
  return output.stderr.replaceAll(`${folder}/`, '');
}

/** Profiles, with `\n` where a line ends, and what is said of them. */
const PROFILES = pairsOf(`
  memory: { expertCache: banana }
    run.yaml:1:24: memory.expertCache: "banana" is not a capacity; write e.g. 8GiB, 25% or 16/layer
  memory:\\n  kv: 4 GB\\n  dramCache: 120%
    run.yaml:3:14: memory.dramCache: "120%" is not a share of the experts; use 0% to 100%
  model: mixtral-8x7b\\nhardware: rtx-409
    run.yaml:2:11: hardware: unknown hardware profile "rtx-409": did you mean "rtx-4090" or "rtx-4090d" or "rtx-3090"? (a file needs its path, e.g. ./rtx-409.yaml)
  model: mixtral-8x7b\\nhardware: rtx-3090+ryzen-9-7950x+4xddr5-6000
    run.yaml:2:11: hardware: 4xddr5-6000: ryzen-9-7950x has 2 channels; count channels, not modules
  model: mixtral-8x7b\\nquantization: q4_km
    run.yaml:2:15: quantization: unknown quantization "q4_km"; did you mean "q4_k_m" or "q3_k_m" or "q4_k_l"?
  variants: [top-k=2, top-q=0.5]
    run.yaml:1:21: variants.1: unknown routing variant "top-q"; did you mean "top-k" or "top-p"?
  workload: { batch: 4, arrivals: weibull }
    run.yaml:1:33: workload.arrivals: "weibull" is neither a file (./weibull.csv) nor one of poisson, gamma; write e.g. poisson:rate=2
  workload:\\n  slo: ttft=2
    run.yaml:2:8: workload.slo: 'ttft=2' has no unit; write ttft=2ms or ttft=2s
  faults:\\n  - { at: 2s, link: h2d, bandwidth: half }
    run.yaml:2:37: faults.0.bandwidth: "half" is not a share; write e.g. 25% or 0.25, from 0% to 100%
  budgets:\\n  - metric: cache.hit_rate\\n    limit: high
    run.yaml:3:12: budgets.0.limit: "high" has no comparator; write e.g. "<= 45ms"
  system: { cache: { policy: lruu } }
    run.yaml:1:28: system.cache.policy: unknown policy "lruu"; did you mean "lru"? (a policy of your own: ./file.mjs) (1 more)
  system:\\n  name: mine\\n  predictor: { kind: oracle, recal: 1 }
    run.yaml:3:37: system.predictor.recal: predictor oracle: unknown parameter "recal"; did you mean "recall"?
  system:\\n  name: mine\\n  scheduler: cache-affinity:batches=many
    run.yaml:3:14: system.scheduler: scheduler cache-affinity: batches: expected a number such as 2, found 'many'
  system:\\n  name: mine\\n  placement:\\n    kind: evn
    run.yaml:4:11: system.placement.kind: unknown placement "evn"; did you mean "even"?
  model: mixtral-8x7b\\nmemory:\\n  minExpertCache: 4/layer
    run.yaml:3:19: memory.minExpertCache: the expert cache gives nothing up with static KV room; say memory.kvGrowth=grow, or leave it out
`);

const FLAGS = pairsOf(`
  --cache banana
    --cache: memory.expertCache: "banana" is not a capacity; write e.g. 8GiB, 25% or 16/layer
  --policy s3-fifo:small=2
    --policy: cache.policy: policy s3-fifo: small: 2 is out of range, use 0 to 1
  --predictor transiton
    --predictor: predictor: unknown predictor "transiton"; did you mean "transition"?
  --scheduler fcsf
    --scheduler: scheduler: unknown scheduler "fcsf"; did you mean "fcfs"?
  --variant random=3
    --variant: variants.0: variant random=3: random takes no value; write random
  --workload gamma:cv=0
    --workload: workload.arrivals: workload gamma: cv: 0 is out of range, use 0.01 to 100
  --slo tpo=3ms
    --slo: workload.slo: "tpo" cannot be limited; did you mean "tpot"?
  --tokens many
    --tokens: workload.tokens: "many" is not a count; write e.g. 512, 2k, 1.5M
  --batch 0
    --batch: workload.batch: must be more than 0, not 0
  --batch 2.5
    --batch: workload.batch: expected a whole number, not 2.5
  --gpu-layers 2.5
    --gpu-layers: memory.gpuLayers: expected a whole number, not 2.5
  --rate fast
    --rate: workload.rate: expected a number, not "fast"
  --fault at=2,link=h2d
    --fault: at=2 has no unit; write at=2s or at=2ms
  --hardware rtx-409
    --hardware: hardware: unknown hardware profile "rtx-409": did you mean "rtx-4090" or "rtx-4090d" or "rtx-3090"? (a file needs its path, e.g. ./rtx-409.yaml)
  --hardware rtx-3090+i9-13900kk
    --hardware: hardware: unknown part "i9-13900kk": did you mean "i9-13900k" or "i9-13900ks" or "i9-10900k"? (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16); parts: moeprof profiles list gpu, cpu
  --system fidler
    --system: system: unknown system "fidler": did you mean "fiddler"? (a file needs its path, e.g. ./fidler.yaml)
  --quantization q4_km
    --quantization: quantization: unknown quantization "q4_km"; did you mean "q4_k_m" or "q3_k_m" or "q4_k_l"?
  --trace-format cvs
    --trace-format: traceFormat: unknown trace format "cvs"; did you mean "csv"?
  --trace-columns layer=a
    --trace-columns: experts is missing; a trace needs layer=… and experts=…
  --set system.cache.scop=layer
    --set system.cache.scop: cache: unknown key "scop"; did you mean "scope"?
  --assert cache.hit_rate
    --assert: "cache.hit_rate" is not metric, comparator, amount; write e.g. 'latency.tpot.p50 > +3%'
`);

describe('a malformed value in a run profile', () => {
  it.each(PROFILES)('%s', async (text, message) => {
    const file = join(folder, 'run.yaml');
    writeFileSync(file, `${text.replaceAll('\\n', '\n')}\n`);
    expect(await refusal(file)).toBe(`moeprof: ${message}\n`);
  });
});

describe('a malformed value of a flag', () => {
  it.each(FLAGS)('%s', async (words, message) => {
    expect(await refusal(...words.split(' '))).toBe(`moeprof: ${message}\n`);
  });
});

describe('a key that is a collection, with a sign that turns the direction of text', () => {
  it.each([
    [['run', '--set', 'workload={? {"a\u202e": 1} : 2}'], /^moeprof: --set workload: workload: unknown key .*\\u\{202e\}.*\n$/],
    [['run', '--on-miss', '{? ["a\u202e"] : 2}'], /^moeprof: --on-miss: .*\n$/],
    [['sweep', '--vary', 'workload.batch={? {"a\u202e": 1} : 2}'], /^moeprof: --vary workload\.batch=.*\\u\{202e\}.*no plain value; .*\n$/],
    [
      ['sweep', '--vary', 'workload.batch=[{? {"a\u202e": 1} : 2}]'],
      /^moeprof: --vary workload\.batch=.*\\u\{202e\}.*no plain value; .*\n$/,
    ],
    [['run', join(folder, 'key.yaml')], /^moeprof: .*key\.yaml:1:3: this key is a list, a mapping or an alias; write it as a text\n$/],
    [['run', join(folder, 'bytes.yaml')], /^moeprof: .*bytes\.yaml:3:10: this key is of a type of its own; write it as a text\n$/],
  ])('%j is one printable line, of which Node does not warn', async (words, message) => {
    const warned = vi.spyOn(process, 'emitWarning');
    writeFileSync(join(folder, 'key.yaml'), '? {"a\u202e": 1}\n: 2\n');
    // Of YAML 1.1; the bytes are U+202E.
    writeFileSync(join(folder, 'bytes.yaml'), '%YAML 1.1\n---\n!!binary 4oCu : 1\n');
    expect(await runCli(words)).toBe(2);
    expect(output.stderr).toMatch(message);
    expect(output.stderr).not.toContain('\u202e');
    expect(warned).not.toHaveBeenCalled();
  });
});
