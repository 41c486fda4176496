// The files that `moeprof init` writes: a scenario, its budgets, and a CI job that gates pull requests with both.
import { VERSION } from '../result/version.js';
import { schemaText } from './schema.js';

/** CI systems that there is a job for. */
export const CI_SYSTEMS = ['github', 'gitlab', 'none'] as const;
/** One of {@link CI_SYSTEMS}. */
export type CiSystem = (typeof CI_SYSTEMS)[number];

/** Texts by path, relative to the root of the user's repository. */
export function initFiles(ci: CiSystem): ReadonlyMap<string, string> {
  const files: [string, string][] = [
    ['moeprof/runs/example.yaml', RUN],
    ['moeprof/budgets.yaml', BUDGETS],
    ['moeprof/schemas/run.schema.json', schemaText('run')],
    ['moeprof/schemas/budgets.schema.json', schemaText('budgets')],
  ];
  if (ci === 'github') files.push(['.github/workflows/moeprof.yml', GITHUB]);
  if (ci === 'gitlab') files.push(['moeprof/gitlab-ci.yml', GITLAB]);
  return new Map(files);
}

const RUN = `# yaml-language-server: $schema=../schemas/run.schema.json
# A scenario of the gate: one system on one machine with one routing. Each file in this folder is a scenario, named after the file.
model: qwen3-30b-a3b
quantization: q4_k_m
hardware: rtx-4090
# What executes it. Under PyTorch, for which this system was written, the time of the host hides most copies.
runtime: llama.cpp
system: mixtral-offloading
# Drawn by a generator. For figures to rely on, record your own routing and give its path: ../traces/code.safetensors
trace: synthetic
memory: { expertCache: 25% }
workload: { batch: 1, tokens: 512 }
seed: 1
`;

const BUDGETS = `# yaml-language-server: $schema=./schemas/budgets.schema.json
# What a pull request may cost. moeprof explain <metric> says what a metric is.
budgets:
  - metric: latency.tpot.*
    max_regression: 1%
  - metric: transfer.on_demand.bytes_per_token
    max_regression: 1%
  - metric: cache.hit_rate
    max_regression: 0.5pp
  - metric: memory.gpu.peak
    limit: "<= 24GiB"
  - metric: latency.ttft.*
    max_regression: 5%
    level: warn
`;

const COMPARE = 'compare baseline:main moeprof/runs --budgets moeprof/budgets.yaml --explain';

const GITHUB = `# Fails a pull request that breaks a budget in moeprof/budgets.yaml. The baseline is committed: after a change that you accept, run
#   npx moeprof@${VERSION} baseline save main moeprof/runs --force
# and commit .moeprof/baselines with it.
name: moeprof
on: pull_request
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: 20
      - name: Compare with the baseline
        shell: bash
        run: |
          code=0
          npx --yes moeprof@${VERSION} ${COMPARE} -o github=annotations.txt -o step-summary=summary.md -o moeprof.json || code=$?
          if [ -f annotations.txt ]; then cat annotations.txt; fi
          if [ -f summary.md ]; then cat summary.md >> "$GITHUB_STEP_SUMMARY"; fi
          exit $code
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: moeprof
          path: moeprof.json
          if-no-files-found: ignore
`;

const GITLAB = `# Include it in .gitlab-ci.yml:
#   include: moeprof/gitlab-ci.yml
# The baseline is committed: after a change that you accept, run
#   npx moeprof@${VERSION} baseline save main moeprof/runs --force
# and commit .moeprof/baselines with it.
moeprof:
  image: node:20
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - npx --yes moeprof@${VERSION} ${COMPARE} -o moeprof.xml -o moeprof.json
  artifacts:
    when: always
    paths: [moeprof.json]
    reports:
      junit: moeprof.xml
`;
