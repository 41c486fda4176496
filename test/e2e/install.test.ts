// Installing: the tarball alone with every package manager that can be had: few files, few bytes, no warning, types that need nothing else. What it
// leaves out for the few who need it is named where that is used, and what moeprof then says to type must work. A registry of one package stands
// in for npm's there: a runtime whose install script fails.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, shell, temporaryFolder } from './moeprof.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NAME = 'onnxruntime-node';
const VERSION = '1.30.0';

let server: Server;
let registry = '';
beforeAll(async () => {
  const folder = temporaryFolder();
  const manifest = { name: NAME, version: VERSION, main: 'index.js', scripts: { postinstall: 'exit 1' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'index.js'), '');
  expect((await shell('npm pack --silent', { cwd: folder })).code).toBe(0);
  const tarball = readFileSync(join(folder, `${NAME}-${VERSION}.tgz`));
  server = createServer((request, response) => {
    if (request.url === `/${NAME}.tgz`) response.end(tarball);
    else if (request.url !== `/${NAME}`) response.writeHead(404).end();
    else {
      const versions = { [VERSION]: { ...manifest, hasInstallScript: true, dist: { tarball: `${registry}/${NAME}.tgz` } } };
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ name: NAME, 'dist-tags': { latest: VERSION }, versions }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

/** npm in a folder, with that registry. */
const npmIn = (folder: string) => {
  const env = { npm_config_registry: registry, npm_config_cache: join(folder, '.npm'), npm_config_audit: 'false', HOME: folder };
  return (command: string): Promise<Finished> => shell(command, { cwd: folder, env });
};

describe('where the install script of the runtime fails', () => {
  it('npm install in a clone installs it all the same, and leaves it out where it is told to', async () => {
    const folder = temporaryFolder();
    const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, object>;
    expect(optionalDependencies).toHaveProperty(NAME);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'clone', optionalDependencies }));
    const installed = async (command: string): Promise<boolean> => {
      rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
      const { code, stderr } = await npmIn(folder)(command);
      expect([code, stderr]).toEqual([0, '']);
      return existsSync(join(folder, 'node_modules', NAME));
    };
    // npm drops an optional package whose script fails: there it was run.
    expect(await installed('npm install')).toBe(false);
    cpSync(join(ROOT, '.npmrc'), join(folder, '.npmrc'));
    expect(await installed('npm install')).toBe(true);
    expect(await installed('npm ci')).toBe(true);
    expect(await installed('npm ci --omit=optional')).toBe(false);
  });

  it('what doctor says to type installs it all the same', async () => {
    const folder = temporaryFolder();
    const npm = npmIn(folder);
    // moeprof in a folder below, which finds the runtime where npm puts it.
    const app = join(folder, 'app');
    for (const part of ['bin', 'dist', 'profiles', 'package.json']) cpSync(join(ROOT, part), join(app, part), { recursive: true });
    mkdirSync(join(app, 'node_modules'));
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name !== NAME) symlinkSync(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
    }
    const doctor = async (): Promise<string> =>
      (await shell(`exec ${process.execPath} app/bin/moeprof.js doctor`, { cwd: folder })).stdout.replace(/\s+/g, ' ');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user' }));

    const advice = /npm install [-\w ]+@[\d.]+/.exec(await doctor())?.[0];
    expect(advice).toBe('npm install --ignore-scripts onnxruntime-node@1.30');
    expect((await npm(advice!)).code).toBe(0);
    expect(await doctor()).toContain(`onnxruntime ${VERSION}, for ONNX predictors`);
  });
});

/** What installs the tarball into an empty folder, without what is optional, by package manager. */
const MANAGERS: Readonly<Record<string, string>> = {
  npm: 'npm install --omit=optional',
  pnpm: 'npx --yes pnpm@10 add --no-optional',
  yarn: 'npx --yes yarn@1.22.22 add --no-lockfile --non-interactive --ignore-optional',
  bun: 'npx --yes bun@1.3 add --omit=optional',
};

/** How a program that has no types of Node is compiled: every declaration that it reads is checked. */
const COMPILED = {
  compilerOptions: { strict: true, skipLibCheck: false, noEmit: true, module: 'nodenext', target: 'es2023', lib: ['es2023'], types: [] },
  files: ['program.mts'],
};
const QUEUE = ['bullmq and ioredis are not installed; a queue needs them', 'npm install bullmq@6 ioredis@5'];
const RUNTIME = ['onnxruntime-node is not installed; ONNX predictors need it', 'npm install --ignore-scripts onnxruntime-node@1.30'];
const CANVAS = [
  '@napi-rs/canvas is not installed; PDF and PNG need it, SVG and PGF do not',
  'npm install --ignore-scripts @napi-rs/canvas@1',
];
/** Commands that need more than the package brings, and what they say. */
const LEFT_OUT: readonly (readonly [command: string, said: readonly string[]])[] = [
  ['worker --queue redis://localhost:1/0', QUEUE],
  ['queue show --queue redis://localhost:1/0', QUEUE],
  ['queue empty --queue redis://localhost:1/0', QUEUE],
  ['sweep study.yaml --queue redis://localhost:1/0', QUEUE],
  ['predict train -t mini-mixtral-8x8l -o predictor.onnx', RUNTIME],
  ['run -m mini-mixtral-8x8l --tokens 16 --predictor predictor.onnx', RUNTIME],
  ['curve -t mini-mixtral-8x8l -o curve.pdf', CANVAS],
  ['sweep study.yaml -o study.png', CANVAS],
];

/** The smallest program that uses the library. */
const PROGRAM = `import { simulate } from 'moeprof';
const { inputs, metrics } = await simulate({ model: 'olmoe-1b-7b', bounds: false, workload: { tokens: 8 } });
console.log(inputs.model, metrics['experts.activations'].value);
`;

/** A program in TypeScript: results, and a part of each family. */
const TYPED = `import {
  type Curve, curve, type OwnSchedulerContext, type OwnTraceFormat, type OwnVariantContext, type PolicyDefinition, type PredictorDefinition,
  type Result, type SchedulerDefinition, simulate, type Variant,
} from 'moeprof';
const result: Result = await simulate({ model: 'olmoe-1b-7b', workload: { tokens: 64 } });
// @ts-expect-error the field does not exist
result.nonsense;
const drawn: Curve = await curve({ model: 'olmoe-1b-7b' }, { policies: ['lru'] });
// @ts-expect-error no such scope
await curve({ model: 'olmoe-1b-7b' }, { scope: 'token' });
drawn.knee;
export const policy: Partial<PolicyDefinition> = {
  create: ({ experts }) => ({ touch() {}, insert() {}, remove() {}, victim: (incoming, pins) => (pins.has(incoming) ? -1 : experts - 1) }),
};
export const predictor: Partial<PredictorDefinition> = {
  create: ({ model }) => ({ observe() {}, predict: (_pass, after, _horizon, scores) => void scores.fill(0, model.layers[after + 1]?.offset) }),
};
export const scheduler: Partial<SchedulerDefinition> = {
  create({ batch, maxTokensPerPass }, _parameters, context) {
    const { list, queue } = context as OwnSchedulerContext;
    return {
      get pending() { return queue.pending; },
      add: (request) => queue.add(request),
      next() { list.begin(maxTokensPerPass, batch); queue.admit(batch); list.decodes(queue.running); return list.shares; },
      finished: () => queue.sweep(),
    };
  },
};
export const format: OwnTraceFormat = {
  name: 'own',
  *rows(file) { for (const { text, place } of file.lines()) yield { experts: [[Number(text)]], place }; },
};
export const variant: Partial<Variant> = {
  change: ({ topK }, _parameters, context) => ({ topK, rewrite: (_source, into) => void into.experts.fill((context as OwnVariantContext).none) }),
};
`;

/** Packs the package as it is published, and checks what is in it. @returns the path of the tarball */
async function packed(): Promise<string> {
  const folder = temporaryFolder();
  const done = await shell(`npm pack --json --ignore-scripts --pack-destination "${folder}"`, { cwd: ROOT });
  expect([done.code, done.stderr.replace(/^npm notice.*\n/gm, '')]).toEqual([0, '']);
  const [{ filename, files, size }] = JSON.parse(done.stdout) as [{ filename: string; size: number; files: { path: string }[] }];
  expect(size).toBeLessThan(3e6);
  expect(files.length).toBeLessThan(320);
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'package.json',
      'README.md',
      'LICENSE',
      'bin/moeprof.js',
      'dist/index.d.ts',
      'dist/moeprof.1',
      'dist/LICENSES.txt',
    ]),
  );
  expect(paths.filter((path) => /^(src|build|test|docs|\.)/.test(path))).toEqual([]);
  expect(paths.filter((path) => path.endsWith('.d.ts'))).toEqual(['dist/index.d.ts']);
  return join(folder, filename);
}

describe('the tarball', () => {
  let tarball = '';
  beforeAll(async () => {
    tarball = await packed();
  });

  it('its declarations name no package and nothing of Node, and export as values what the module has', async () => {
    const text = readFileSync(join(ROOT, 'dist/index.d.ts'), 'utf8');
    expect(text.match(/\b(import\b.*|zod\b|Buffer\b|NodeJS\b|node:\w+)/g)).toBeNull();
    const [, list] = /^export \{ (.*) \};$/m.exec(text)!;
    const names = list!.split(', ').map((entry) => entry.split(' as ').at(-1));
    expect(names.sort()).toEqual(Object.keys(await import(join(ROOT, 'dist/index.js'))).sort());
  });

  it.each(Object.entries(MANAGERS))(
    'installs alone with %s: the command, the library and its types, without a warning',
    async (name, command) => {
      const cwd = temporaryFolder();
      writeFileSync(join(cwd, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
      const installed = await shell(`timeout 100 ${command} "${name === 'yarn' ? 'file:' : ''}${tarball}"`, { cwd });
      const said = installed.stdout + installed.stderr;
      if (
        installed.code !== 0 &&
        /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ECONNRESET|network|registry|E404|E403|tunneling/i.test(said)
      ) {
        console.warn(`SKIPPED: ${name} cannot reach a registry here, and moeprof was not installed with it`);
        return;
      }
      if (installed.code === 124) {
        console.warn(`SKIPPED: ${name} took longer than 100 s here, and moeprof was not installed with it`);
        return;
      }
      expect(installed.code, said).toBe(0);
      expect(said).not.toMatch(/\bwarn(ing)?\b/i);
      const { stdout: used } = await shell('du -sk node_modules', { cwd });
      expect(Number.parseInt(used, 10)).toBeLessThan(30_000);
      const run = await shell('node_modules/.bin/moeprof run --tokens 16', { cwd });
      expect([run.code, run.stderr]).toEqual([0, '']);
      expect(run.stdout).toMatch(/^\S+ \S+ on \S+/m);
      writeFileSync(join(cwd, 'program.mts'), TYPED);
      writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify(COMPILED));
      for (const compiler of ['tsc', 'tsc6']) {
        expect(await shell(`"${ROOT}node_modules/.bin/${compiler}" -p .`, { cwd })).toMatchObject({ code: 0, stdout: '' });
      }
      writeFileSync(join(cwd, 'program.mjs'), PROGRAM);
      const activations = 8 * 16 * 8;
      expect(await shell(`${process.execPath} program.mjs`, { cwd })).toMatchObject({ code: 0, stdout: `olmoe-1b-7b ${activations}\n` });
      writeFileSync(join(cwd, 'predictor.onnx'), '');
      writeFileSync(join(cwd, 'study.yaml'), 'set: { trace: mini-mixtral-8x8l }\naxes: { seed: [1, 2] }\n');
      for (const [left, [why, install]] of name === 'npm' ? LEFT_OUT : []) {
        const refused = await shell(`node_modules/.bin/moeprof ${left}`, { cwd });
        expect([refused.code, refused.stderr], left).toEqual([2, `moeprof: ${why}: ${install}\n`]);
      }
    },
    180_000,
  );
});
