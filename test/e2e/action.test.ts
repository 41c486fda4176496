// The composite action as GitHub's runner would run it: inputs become environment, steps are bash scripts, outputs are files. Run on a
// small repository that moeprof init has set up, with a stand-in for GitHub's own command.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BIN, type Finished, moeprof, shell, temporaryFolder } from './moeprof.js';

const root = resolve(import.meta.dirname, '../..');

interface Step {
  readonly id: string;
  readonly shell: string;
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly 'working-directory'?: string;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

const action = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Action;

/** A repository that moeprof init has set up, with a baseline; each test has a copy. */
const sample = temporaryFolder();
beforeAll(async () => {
  expect((await moeprof(['init'], { cwd: sample })).code).toBe(0);
  expect((await moeprof(['baseline', 'save', 'main', 'moeprof/runs'], { cwd: sample })).code).toBe(0);
});

let cwd = '';
beforeEach(() => {
  cwd = temporaryFolder();
  cpSync(sample, cwd, { recursive: true });
});

/** What an action leaves behind. */
interface Outcome {
  readonly outputs: Readonly<Record<string, string>>;
  readonly code: number | null;
  readonly log: string;
  readonly summary: string;
  /** Arguments of each call of `gh`, and of each of `npm` and `npx`. */
  readonly calls: readonly string[];
  readonly asked: readonly string[];
}

/** Puts stand-ins for `gh`, `npm` and `npx` into a folder; `calls` and `asked` are the files of what they were called with. */
function standIns(temporary: string, comments: string | null, npm: string) {
  const tools = join(temporary, 'tools');
  mkdirSync(tools);
  const calls = join(temporary, 'calls');
  const asked = join(temporary, 'asked');
  const answer = comments === null ? 'exit 1' : `if [[ "$*" == *--paginate* ]]; then echo "${comments}"; fi`;
  for (const [name, does, file] of [
    ['gh', answer, calls],
    ['npm', npm, asked],
    ['npx', 'exit 1', asked],
  ] as const) {
    writeFileSync(file, '');
    writeFileSync(join(tools, name), `#!/bin/bash\nprintf '%s\\n' "$*" >> "${file}"\n${does}\n`, { mode: 0o755 });
  }
  return { tools, calls, asked };
}

/**
 * Runs the steps of the action in order until one fails.
 * @param comments what the stand-in for `gh` says the ids of our comments are; null: it fails
 * @param checkout where the action lies
 * @param npm what the stand-in for `npm` does
 */
async function runAction(
  inputs: Readonly<Record<string, string>>,
  pullRequest = '',
  comments: string | null = '',
  checkout = root,
  npm = 'exit 1',
): Promise<Outcome> {
  const temporary = temporaryFolder();
  const { asked, calls, tools } = standIns(temporary, comments, npm);
  const values = Object.fromEntries(Object.entries(action.inputs).map(([name, input]) => [name, inputs[name] ?? input.default ?? '']));
  for (const [name, input] of Object.entries(action.inputs)) if (input.required === true) expect(values[name], name).not.toBe('');
  const outputs: Record<string, Record<string, string>> = {};
  /** `${{ ... }}` of the contexts that the action uses; anything else is a mistake. */
  const evaluate = (text: string): string =>
    text.replace(/\$\{\{ ([\w.-]+) \}\}/g, (_, path: string) => {
      const [context, ...rest] = path.split('.');
      if (context === 'inputs') return values[rest.join('.')]!;
      if (context === 'steps') return outputs[rest[0]!]?.[rest[2]!] ?? '';
      if (path === 'github.event.pull_request.number') return pullRequest;
      if (path === 'github.token') return 'token';
      if (path === 'github.action_path') return checkout;
      throw new Error(`the action uses ${path}, which this test does not know`);
    });
  const summary = join(temporary, 'summary');
  writeFileSync(summary, '');
  let log = '';
  let code: number | null = 0;
  for (const step of action.runs.steps) {
    expect(step.shell).toBe('bash');
    // Text of a pull request must never become a part of a program.
    expect(step.run).not.toContain('${{');
    const output = join(temporary, `output-${step.id}`);
    writeFileSync(output, '');
    const env = {
      ...Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, evaluate(value)])),
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_REPOSITORY: 'octo/repo',
      RUNNER_TEMP: temporary,
      PATH: `${tools}:${process.env.PATH}`,
    };
    const finished: Finished = await shell(`set -e -o pipefail\n${step.run}`, {
      cwd: resolve(cwd, evaluate(step['working-directory'] ?? '.')),
      env,
    });
    const lines = readFileSync(output, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    outputs[step.id] = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
    log += finished.stdout + finished.stderr;
    code = finished.code;
    if (code !== 0) break;
  }
  const lines = (path: string): string[] => readFileSync(path, 'utf8').trim().split('\n');
  const result = Object.fromEntries(Object.entries(action.outputs).map(([name, { value }]) => [name, evaluate(value)]));
  return {
    outputs: result,
    code,
    log,
    summary: readFileSync(summary, 'utf8'),
    calls: lines(calls),
    asked: lines(asked).filter((line) => line !== ''),
  };
}

const gate = {
  base: 'baseline:main',
  candidate: 'moeprof/runs',
  budgets: 'moeprof/budgets.yaml',
  command: `${process.execPath} ${BIN}`,
};

/** Makes the example slower than its budget allows. */
function plant(): void {
  const path = join(cwd, 'moeprof/runs/example.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace('expertCache: 25%', 'expertCache: 20%'));
}

describe('the composite action', () => {
  it('runs its own checkout, which it builds where nobody did, and nothing that a registry has under its name', async () => {
    expect(action.runs.using).toBe('composite');
    expect(readFileSync(join(root, 'action.yml'), 'utf8')).not.toMatch(/npx|moeprof@\d/);
    const { command: _, ...own } = gate;
    expect((await runAction(own, '', '', root)).outputs.passed).toBe('true');
    // A checkout that was never built; the stand-in for npm builds it, and writes down what it was asked for.
    const checkout = temporaryFolder();
    for (const part of ['bin', 'profiles', 'node_modules', 'package.json']) symlinkSync(join(root, part), join(checkout, part));
    const built = await runAction(own, '', '', checkout, `if [[ $1 == run ]]; then ln -s "${root}/dist" "${checkout}/dist"; fi`);
    expect(built.asked).toEqual([
      `ci --prefix ${checkout} --ignore-scripts --no-audit --no-fund`,
      `run --silent --prefix ${checkout} build`,
    ]);
    expect(built.outputs.passed).toBe('true');
    const broken = await runAction(own, '', '', temporaryFolder(), 'exit 1');
    expect([broken.code, broken.outputs['exit-code']]).toEqual([70, '70']);
    expect(broken.log).toContain('::error title=moeprof::the action could not be built from its own checkout');
  });

  it('passes where nothing changed, with all reports as outputs', async () => {
    const { outputs, code, summary, log, calls } = await runAction(gate, '7');
    expect([code, outputs.passed, outputs['exit-code']]).toEqual([0, 'true', '0']);
    expect(readFileSync(outputs.markdown!, 'utf8')).toMatch(/^<!-- moeprof compare -->\n### ✅/);
    expect(JSON.parse(readFileSync(outputs.json!, 'utf8'))).toMatchObject({ passed: true });
    expect(readFileSync(outputs.junit!, 'utf8')).toMatch(/^<\?xml/);
    expect(JSON.parse(readFileSync(outputs.sarif!, 'utf8'))).toMatchObject({ version: '2.1.0' });
    expect(summary).toMatch(/^### ✅/);
    expect(log).not.toContain('::error');
    // No comment of ours yet: a new one.
    expect(calls[1]).toBe(`api --method POST repos/octo/repo/issues/7/comments --field body=@${outputs.markdown} --silent`);
  });

  it('fails where a budget is broken, with annotations at its line, and updates its own comment', async () => {
    plant();
    const { outputs, code, summary, log, calls } = await runAction(
      { ...gate, 'fail-on': 'latency.tpot.p50 > +0.1%\ncache.hit_rate < -0.1pp' },
      '7',
      '11\n12',
    );
    expect([code, outputs.passed, outputs['exit-code']]).toEqual([1, 'false', '1']);
    expect(log).toMatch(/^::error file=moeprof\/budgets\.yaml,line=4,col=5,title=moeprof%3A latency\.tpot/m);
    expect(log).toMatch(/^::error file=moeprof\/runs\/example\.yaml,line=1,col=1/m);
    expect(summary).toContain('What carries the change');
    expect(calls[0]).toContain('select(.body | startswith("<!-- moeprof compare -->"))');
    expect(calls[1]).toMatch(/^api --method PATCH repos\/octo\/repo\/issues\/comments\/11 /);
  });

  it('fails with the code of moeprof where nothing could be compared', async () => {
    const missing = await runAction({ ...gate, base: 'baseline:none' }, '7');
    expect([missing.code, missing.outputs.passed, missing.outputs['exit-code'], missing.outputs.markdown]).toEqual([3, 'false', '3', '']);
    expect(missing.log).toMatch(/^::error title=moeprof::moeprof: baseline:none: there is no such baseline/m);
    expect(missing.calls).toEqual(['']);
    expect((await runAction({ ...gate, 'fail-on': 'nonsense' })).outputs['exit-code']).toBe('2');
  });

  it('stays out of pull requests that it may not, or need not, comment on', async () => {
    expect((await runAction(gate)).calls).toEqual(['']);
    expect((await runAction({ ...gate, comment: 'false' }, '7')).calls).toEqual(['']);
    const forbidden = await runAction(gate, '7', null);
    expect(forbidden.code).toBe(0);
    expect(forbidden.log).toContain('::warning title=moeprof::the comment could not be written');
  });
});

describe('inputs of the composite action', () => {
  it('takes inputs as text, whatever is in them', async () => {
    const evil = '$(touch evil); `touch evil` "; touch evil; "';
    const { outputs } = await runAction({ ...gate, 'fail-on': evil, candidate: `moeprof/runs\n${evil}` });
    expect(outputs['exit-code']).toBe('2');
    expect((await shell('ls evil', { cwd })).code).not.toBe(0);
  });

  it.each([
    ['--allow-different-inputs'],
    ['--update-baseline'],
    ['--allow-code'],
    ['-q'],
    ['-o\njson=stolen.json'],
    ['--html=stolen.html'],
    ['-'],
    ['--'],
  ])('takes no operand for an option: %j', async (line) => {
    plant();
    for (const inputs of [{ candidate: `moeprof/runs\n${line}` }, { base: line }]) {
      const { code, log, outputs } = await runAction({ ...gate, ...inputs }, '7');
      expect([code, outputs.passed, outputs['exit-code']]).toEqual([2, 'false', '2']);
      expect(log).toMatch(/^::error title=moeprof::base and candidate are paths, and \S+ begins with a dash/m);
    }
    expect((await shell('ls stolen.*', { cwd })).code).not.toBe(0);
  });

  it('takes budgets and conditions for values, whatever they begin with', async () => {
    plant();
    expect((await runAction({ ...gate, 'fail-on': '--allow-different-inputs' })).outputs['exit-code']).toBe('2');
    expect((await runAction({ ...gate, budgets: '--update-baseline' })).outputs['exit-code']).toBe('2');
  });
});

describe('moeprof init', () => {
  it('never replaces a file unless told to, and writes all or nothing', async () => {
    const again = await moeprof(['init'], { cwd });
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toMatch(/example\.yaml.*: there already; pass --force to replace\n$/);
    const gitlab = await moeprof(['init', '--ci', 'gitlab'], { cwd });
    expect(gitlab.code).toBe(2);
    expect((await shell('ls moeprof/gitlab-ci.yml', { cwd })).code).not.toBe(0);
    plant();
    expect((await moeprof(['init', '--force'], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, 'moeprof/runs/example.yaml'), 'utf8')).toContain('system: mixtral-offloading');
  });

  it('writes files that name a schema that is there, and profiles that run', () => {
    for (const file of ['moeprof/runs/example.yaml', 'moeprof/budgets.yaml']) {
      const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(join(cwd, file), 'utf8'))!;
      const parsed = JSON.parse(readFileSync(resolve(cwd, file, '..', schema!), 'utf8')) as { title: string };
      expect(parsed.title).toMatch(/^moeprof /);
    }
  });

  it('writes a workflow whose gate passes, and fails where a budget is broken', async () => {
    const workflow = parse(readFileSync(join(cwd, '.github/workflows/moeprof.yml'), 'utf8')) as {
      env: Record<string, string>;
      jobs: { gate: { steps: { name?: string; run?: string }[] } };
    };
    const script = workflow.jobs.gate.steps
      .find(({ name }) => name === 'Compare with the baseline')!
      .run!.replace('node "$RUNNER_TEMP/moeprof/bin/moeprof.js"', '$MOEPROF');
    expect(workflow.env.MOEPROF_REF).toMatch(/^([0-9a-f]{40}|v\d+\.\d+\.\d+)$/);
    const gated = (): Promise<Finished> => shell(`set -e\n${script}`, { cwd, env: { GITHUB_STEP_SUMMARY: join(cwd, 'summary') } });
    expect((await gated()).code).toBe(0);
    plant();
    const failed = await gated();
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('::error file=moeprof/budgets.yaml');
  });

  it('writes a job for GitLab that gates and leaves a JUnit report', async () => {
    const place = temporaryFolder();
    const source = 'https://example.org/owner/moeprof#v9.8.7';
    expect((await moeprof(['init', '--ci', 'gitlab', '--source', source], { cwd: place })).code).toBe(0);
    await moeprof(['baseline', 'save', 'main', 'moeprof/runs'], { cwd: place });
    const job = (
      parse(readFileSync(join(place, 'moeprof/gitlab-ci.yml'), 'utf8')) as {
        moeprof: {
          before_script: string[];
          variables: Record<string, string>;
          script: string[];
          artifacts: { reports: { junit: string } };
        };
      }
    ).moeprof;
    expect(job.variables).toEqual({ MOEPROF_REPOSITORY: 'https://example.org/owner/moeprof', MOEPROF_REF: 'v9.8.7' });
    expect(job.before_script[0]).toBe('git clone --quiet "$MOEPROF_REPOSITORY" "/tmp/moeprof"');
    expect([...job.before_script, ...job.script].join('\n')).not.toMatch(/npx|moeprof@/);
    const script = job.script.join('\n').replaceAll('node /tmp/moeprof/bin/moeprof.js', '$MOEPROF');
    expect((await shell(`set -e\n${script}`, { cwd: place })).code).toBe(0);
    expect(readFileSync(join(place, job.artifacts.reports.junit), 'utf8')).toMatch(/^<\?xml/);
  });
});
