// The files that `moeprof init` writes: a scenario, its budgets, and a CI job that gates pull requests with both.
import { DEFAULT_RUNTIME } from '../runtime/index.js';
import type { Source } from './kit/source.js';
import { schemaText } from './schema.js';

/** CI systems with a job. */
export const CI_SYSTEMS = ['github', 'gitlab', 'none'] as const;
/** One of {@link CI_SYSTEMS}. */
export type CiSystem = (typeof CI_SYSTEMS)[number];

/**
 * Texts by path, relative to the root of the user's repository.
 * @param source moeprof that the job runs
 */
export function initFiles(ci: CiSystem, source: Source): ReadonlyMap<string, string> {
  const files: [string, string][] = [
    ['moeprof/runs/example.yaml', RUN],
    ['moeprof/budgets.yaml', BUDGETS],
    ['moeprof/schemas/run.schema.json', schemaText('run')],
    ['moeprof/schemas/budgets.schema.json', schemaText('budgets')],
  ];
  if (ci === 'github') files.push(['.github/workflows/moeprof.yml', github(source)]);
  if (ci === 'gitlab') files.push(['moeprof/gitlab-ci.yml', gitlab(source)]);
  return new Map(files);
}

const RUN = `# yaml-language-server: $schema=../schemas/run.schema.json
# A scenario of the gate: one system on one machine with one routing. Each file in this folder is a scenario, named after the file.
model: qwen3-30b-a3b
quantization: q4_k_m
hardware: rtx-4090
# What executes it. Under PyTorch, for which this system was written, the time of the host hides most copies.
runtime: ${DEFAULT_RUNTIME}
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

/** Clones moeprof into a folder of the job and builds it; nothing comes from a package registry under its name. */
function fetching(folder: string, indent: string): string {
  const lines = [
    `git clone --quiet "$MOEPROF_REPOSITORY" "${folder}"`,
    `git -C "${folder}" checkout --quiet --detach "$MOEPROF_REF"`,
    `npm ci --prefix "${folder}" --ignore-scripts --no-audit --no-fund`,
    `npm run --silent --prefix "${folder}" build`,
  ];
  return lines.map((line) => `${indent}${line}\n`).join('');
}

const AFTER = `The baseline is committed: after a change that you accept, run
#   moeprof baseline save main moeprof/runs --force
# and commit .moeprof/baselines with it.`;

/** A variable of the CI project, where the repository is unknown. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub
const VARIABLE = '${{ vars.MOEPROF_REPOSITORY }}';

const WHERE = 'A git repository of moeprof, and the commit or tag of it that judges.';

function github({ repository, ref }: Source): string {
  return `# Fails a pull request that breaks a budget in moeprof/budgets.yaml. ${AFTER}
name: moeprof
on: pull_request
permissions:
  contents: read
env:
  # ${WHERE}
  MOEPROF_REPOSITORY: ${repository ?? VARIABLE}
  MOEPROF_REF: ${ref}
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: 20
      - name: Get moeprof
        shell: bash
        run: |
${fetching('$RUNNER_TEMP/moeprof', '          ')}      - name: Compare with the baseline
        shell: bash
        run: |
          code=0
          node "$RUNNER_TEMP/moeprof/bin/moeprof.js" ${COMPARE} -o github=annotations.txt -o step-summary=summary.md -o moeprof.json || code=$?
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
}

function gitlab({ repository, ref }: Source): string {
  const known = repository === null ? '' : `    MOEPROF_REPOSITORY: ${repository}\n`;
  return `# Include it in .gitlab-ci.yml:
#   include: moeprof/gitlab-ci.yml
# ${AFTER}
moeprof:
  image: node:20
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  variables:
    # ${WHERE}
${known}    MOEPROF_REF: ${ref}
  before_script:
${fetching('/tmp/moeprof', '    - ')}  script:
    - node /tmp/moeprof/bin/moeprof.js ${COMPARE} -o moeprof.xml -o moeprof.json
  artifacts:
    when: always
    paths: [moeprof.json]
    reports:
      junit: moeprof.xml
`;
}
