// llama.cpp itself: its sources come with npm's node-llama-cpp, cmake builds its programs once into .lab/, and two small programs of ours are
// compiled against that build: the planner, and CUDA devices without a GPU. LLAMA_CPP_BUILD names a build that stands already.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cudaSources } from './cuda-sources.mjs';

/** Folder of all that the laboratory fetches and builds; `npm run build` leaves it alone. */
export const CACHE = fileURLToPath(new URL('../../.lab/', import.meta.url));

/** Programs of llama.cpp that the laboratory runs. */
const TARGETS = ['llama-server', 'llama-bench', 'llama-fit-params', 'llama-imatrix', 'llama-quantize'];

/** Shared libraries, so that a backend can be loaded beside them; nothing that a table of memory does not need. */
const OPTIONS = ['BUILD_SHARED_LIBS=ON', 'GGML_OPENMP=OFF', 'LLAMA_BUILD_TESTS=OFF', 'LLAMA_BUILD_UI=OFF', 'LLAMA_OPENSSL=OFF'];

const here = (file) => fileURLToPath(new URL(file, import.meta.url));

/**
 * A build of llama.cpp, made where there is none.
 * @param build folder of one that stands; undefined: the laboratory's own
 * @returns {source, bin, build, commit, date}
 * @throws Error where it cannot be built
 */
export function engineAt(build = process.env.LLAMA_CPP_BUILD ?? ownBuild()) {
  const cache = readFileSync(join(build, 'CMakeCache.txt'), 'utf8');
  const source = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(cache)[1];
  const git = (...words) => execFileSync('git', ['-C', source, ...words], { encoding: 'utf8' }).trim();
  const [commit, date] = git('log', '-1', '--format=%H %cs').split(' ');
  return { source, build, bin: join(build, 'bin'), commit, date };
}

/** Fetches the sources by npm, and builds them. */
function ownBuild() {
  const build = join(CACHE, 'llama.cpp');
  if (TARGETS.every((name) => existsSync(join(build, 'bin', name)))) return build;
  const packages = join(CACHE, 'npm');
  const source = join(CACHE, 'llama.cpp-source');
  const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(source)) {
    const version = /node-llama-cpp@([\d.]+)/.exec(readFileSync(here('../../package.json'), 'utf8'))[1];
    run('npm', 'install', '--prefix', packages, '--no-audit', '--no-fund', '--ignore-scripts', `node-llama-cpp@${version}`);
    run('git', 'clone', '-q', join(packages, 'node_modules/node-llama-cpp/llama/gitRelease.bundle'), source);
  }
  const ninja = spawnSync('ninja', ['--version']).status === 0 ? ['-G', 'Ninja'] : [];
  run('cmake', '-S', source, '-B', build, ...ninja, '-DCMAKE_BUILD_TYPE=Release', ...OPTIONS.map((one) => `-D${one}`));
  run('cmake', '--build', build, '--parallel', String(availableParallelism()), '--target', ...TARGETS);
  return build;
}

/** Our two programs for a build: paths of the planner and of the planning backend. They are compiled again where a source changed. */
export function planningTools(engine) {
  if (!made.has(engine.build)) made.set(engine.build, compiled(engine));
  return made.get(engine.build);
}

const made = new Map();

function compiled(engine) {
  const backend = readFileSync(here('planning-backend.cpp'), 'utf8');
  const planner = readFileSync(here('planner.cpp'), 'utf8');
  const cuda = cudaSources(engine.source);
  const key = createHash('sha256').update([engine.build, engine.commit, backend, planner, cuda].join('\0')).digest('hex').slice(0, 12);
  const folder = join(CACHE, `tools-${key}`);
  const tools = { planner: join(folder, 'planner'), backend: join(folder, 'libplanning.so') };
  if (existsSync(tools.planner)) return tools;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cuda-sources.inc'), cuda);
  const include = ['ggml/include', 'ggml/src', 'include', 'common', 'src'].map((one) => `-I${join(engine.source, one)}`);
  const compile = (...args) => execFileSync('g++', ['-std=c++17', '-O1', '-w', `-I${folder}`, ...include, ...args], { stdio: 'inherit' });
  const library = (name) => join(engine.bin, `lib${name}.so`);
  compile('-shared', '-fPIC', here('planning-backend.cpp'), '-o', tools.backend, library('ggml-base'), library('ggml'));
  const libraries = ['llama-common', 'llama', 'ggml', 'ggml-base'].map(library);
  compile(here('planner.cpp'), '-o', tools.planner, ...libraries, `-Wl,-rpath,${engine.bin}`);
  // Older ones are of no use any more.
  for (const other of readdirSync(CACHE).filter((one) => one.startsWith('tools-') && one !== `tools-${key}`)) {
    if (process.env.LLAMA_CPP_BUILD_NEXT === undefined) rmSync(join(CACHE, other), { recursive: true });
  }
  return tools;
}

/**
 * Runs the planner; what it printed before for the same task is kept beside it.
 * @param gpus bytes of each CUDA device; none: the CPU alone
 * @returns what it prints
 * @throws Error with the engine's own line where it refuses or ends
 */
export async function planned(engine, mode, args, gpus = []) {
  const tools = planningTools(engine);
  const file = args.find((word) => word.endsWith('.gguf'));
  const key = createHash('sha256')
    .update(JSON.stringify([mode, args, gpus, statSync(file).mtimeMs]))
    .digest('hex')
    .slice(0, 24);
  const kept = join(dirname(tools.planner), `${key}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8'));
  const environment = { LD_LIBRARY_PATH: engine.bin };
  if (gpus.length > 0)
    Object.assign(environment, { GGML_BACKEND_PATH: tools.backend, LAB_GPUS: gpus.map((bytes) => bytes / 2 ** 20).join() });
  const child = await ended(tools.planner, [mode, ...args], { env: { ...process.env, ...environment } });
  const last = child.stdout.trim().split('\n').at(-1);
  if (child.code === 0 && last !== '') {
    writeFileSync(kept, last);
    return JSON.parse(last);
  }
  const lines = `${child.stdout}\n${child.stderr}`.split('\n').filter((line) => /error|fail|missing|wrong|invalid|assert/i.test(line));
  throw new Error(lines[0]?.trim().slice(0, 200) ?? `ended with ${child.signal ?? child.code}`);
}

/** Runs a program to its end. @returns {code, signal, stdout, stderr} */
export function ended(command, args, options = {}) {
  return new Promise((resolve) => {
    execFile(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), signal: error?.signal ?? null, stdout, stderr });
    });
  });
}

/** Works on a list, as many at a time as there are processors, and keeps its order. */
export async function inTurns(list, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < list.length) {
      const at = next++;
      results[at] = await work(list[at], at);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
