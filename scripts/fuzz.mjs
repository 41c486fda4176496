// Damaged files of every reader, as many as one likes, in processes of their own: no internal error, no file that takes 2 s or 512 MiB, and
// traces that are read twice demand the same. Prints a row for each reader, and a line for each finding with what repeats it.
//   node scripts/fuzz.mjs [--inputs 1000000] [--seed 5] [--processes N] [--minutes M] [--reader NAME | --bent] [--only INDEX] [--patience S]
// `--bent` tries sound inputs with one bent value alone (readers `bent NAME`, test/attack/structured.ts), which go past the parser.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const LIMITS = { limitMib: 512 };
/** Tries of a task; a process gets a new one after each. */
const TASK = 500;
/** Seconds of CPU time after which a try is stopped; of the clock where the system does not tell them. */
const HANG_S = 30;
/** Seconds of the clock in which a process has to begin a try, or to go on to the next: other programs may use the processors. */
const PATIENCE_S = 600;
/** How often a process that begins no try is started again: no file has a part in that. */
const STARTS = 5;

const text = { type: 'string' };
const { values: options } = parseArgs({
  options: {
    inputs: text,
    seed: text,
    patience: text,
    processes: text,
    minutes: text,
    reader: text,
    only: text,
    bent: { type: 'boolean', default: false },
  },
});
const patienceS = Number(options.patience ?? PATIENCE_S);
const seed = Number(options.seed ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'moeprof-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));

/** A module knows where it stood: what it reads beside itself is found from there. Hooks of the test runner do nothing. */
const places = {
  name: 'places',
  resolveId: (id) => (id === 'vitest' ? '\0vitest' : null),
  load: (id) => (id === '\0vitest' ? 'export const afterAll = () => undefined; export const expect = () => undefined;' : null),
  transform: (code, id) =>
    code
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
      .replaceAll('import.meta.dirname', JSON.stringify(dirname(id))),
};
const bundle = await rolldown({
  input: join(ROOT, 'test/attack/fuzz-child.ts'),
  platform: 'node',
  external: (id) => !/^[./\0]|^[A-Z]:/.test(id) && id !== 'vitest',
  plugins: [places],
  logLevel: 'silent',
});
// Below node_modules, so that packages are found.
const program = join(ROOT, 'node_modules/.cache', `moeprof-fuzz-${process.pid}`);
await bundle.write({ dir: program, format: 'esm', entryFileNames: 'child.mjs', chunkFileNames: '[name]-[hash].mjs' });
process.on('exit', () => rmSync(program, { recursive: true, force: true }));

let children = 0;

/** Seconds of CPU time of a process: fields 14 and 15 of its stat, in hundredths; of the clock where there is no such file. */
function secondsOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '0 0').split(' ');
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return Date.now() / 1000;
  }
}

/** A process that tries files; `ask` rejects where it ends or hangs, with the number of the try: -1 before the first. */
function started() {
  const progress = join(folder, `progress-${children++}`);
  writeFileSync(progress, '-1');
  const child = fork(join(program, 'child.mjs'), {
    execArgv: ['--max-old-space-size=1024'],
    env: { ...process.env, MOEPROF_LAWS: 'throw', TMPDIR: folder },
  });
  const ask = (message) =>
    new Promise((resolve, reject) => {
      let seen = '';
      let [since, spent] = [Date.now(), 0];
      const limitS = message === 'readers' ? PATIENCE_S : patienceS;
      const watch = setInterval(() => {
        const now = readFileSync(progress, 'utf8');
        const cpu = secondsOf(child.pid);
        if (now !== seen) [seen, since, spent] = [now, Date.now(), cpu];
        else if (Number(now) >= 0 && cpu - spent > HANG_S) stop(`takes more than ${HANG_S} s`, true);
        else if (Date.now() - since > limitS * 1000) stop(`does not go on for ${limitS} s`, true);
      }, 500);
      const end = (settle, value) => {
        clearInterval(watch);
        child.removeAllListeners();
        settle(value);
      };
      const stop = (what, costly = false) => {
        child.kill('SIGKILL');
        end(reject, { index: Number(readFileSync(progress, 'utf8')), what, costly });
      };
      child.once('message', (answer) => end(resolve, answer));
      child.once('exit', (code, signal) => stop(`ends the process: ${signal ?? code}`));
      child.send(message === 'readers' ? message : { ...message, progress });
    });
  return { ask, kill: () => child.kill('SIGKILL') };
}

const first = started();
const shares = await first.ask('readers');
first.kill();
const names = Object.keys(shares).filter((name) => name === (options.reader ?? name) && (!options.bent || name.startsWith('bent ')));
const all = names.reduce((sum, name) => sum + shares[name], 0);
const wanted = options.only === undefined ? Number(options.inputs ?? 1_000_000) : 1;
const tasks = names.flatMap((name) => {
  const [from, count] = options.only === undefined ? [0, Math.ceil((wanted * shares[name]) / all)] : [Number(options.only), 1];
  return Array.from({ length: Math.ceil(count / TASK) }, (_, at) => ({
    name,
    seed,
    ...LIMITS,
    from: from + at * TASK,
    to: Math.min(from + count, from + (at + 1) * TASK),
  }));
});
// Every reader has had its share of what is done when the time is over.
tasks.sort((a, b) => a.from - b.from);

let stopping = false;
// SIGTERM ends after the tasks that run, with the rows of what was done; a second one ends at once.
process.once('SIGTERM', () => {
  stopping = true;
  process.once('SIGTERM', () => process.exit(143));
});

const rows = new Map(names.map((name) => [name, { read: 0, refused: 0, slowestMs: 0, peakMib: 0, findings: 0 }]));
const counts = {};
const end = Date.now() + Number(options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;

function report(name, { index, of, what }) {
  rows.get(name).findings++;
  const origin = of === undefined ? '' : ` (of ${of})`;
  console.log(
    `FOUND node scripts/fuzz.mjs --reader '${name}' --seed ${seed} --only ${index}${origin}: ${what.slice(0, options.only === undefined ? 600 : 20_000)}`,
  );
}

/** Adds what a process found of a task. */
function record(task, answer) {
  const row = rows.get(task.name);
  // A try that is made alone was counted before.
  if (!task.alone) {
    row.read += answer.outcomes.read;
    row.refused += answer.outcomes.refused;
    for (const [format, count] of Object.entries(answer.counts)) counts[format] = (counts[format] ?? 0) + count;
  }
  row.slowestMs = Math.max(row.slowestMs, answer.slowestMs);
  row.peakMib = Math.max(row.peakMib, answer.peakMib);
  for (const finding of answer.findings) report(task.name, finding);
  if (answer.next < task.to) tasks.unshift({ ...task, from: answer.next });
  if (answer.costly !== null) tasks.unshift(alone(task, answer.costly));
}

/** A try in a process of its own, where nothing else takes time and memory. */
function alone(task, index) {
  return { ...task, from: index, to: index + 1, alone: true };
}

/** Takes tasks until there is none left, the time is over, or SIGTERM came. */
async function work() {
  let starts = 0;
  for (let task = tasks.shift(); task !== undefined && Date.now() < end && !stopping; task = tasks.shift()) {
    // Memory is that of few files: a process that has served one task is not asked again.
    const child = started();
    try {
      record(task, await child.ask(task));
      starts = 0;
    } catch (finding) {
      const { index } = finding;
      if (index < 0) {
        if (++starts === STARTS) throw new Error(`no process begins: ${finding.what}`);
        tasks.unshift(task);
        continue;
      }
      if (index + 1 < task.to) tasks.unshift({ ...task, from: index + 1 });
      if (finding.costly && !task.alone) tasks.unshift(alone(task, index));
      else report(task.name, finding);
    } finally {
      child.kill();
    }
  }
}

const processes = Number(options.processes ?? availableParallelism());
await Promise.all(Array.from({ length: Math.min(processes, tasks.length) }, work));
console.log('| reader | files | refused | read | slowest | peak of memory |\n|---|---|---|---|---|---|');
const sum = { read: 0, refused: 0, slowestMs: 0, peakMib: 0, findings: 0 };
const line = (name, { peakMib, read, refused, slowestMs }) =>
  console.log(`| ${name} | ${read + refused} | ${refused} | ${read} | ${slowestMs.toFixed(0)} ms | ${peakMib.toFixed(0)} MiB |`);
for (const [name, row] of rows) {
  line(name, row);
  for (const key of ['read', 'refused', 'findings']) sum[key] += row[key];
  for (const key of ['slowestMs', 'peakMib']) sum[key] = Math.max(sum[key], row[key]);
}
line('all', sum);
const compared = Object.entries(counts).sort(([, a], [, b]) => b - a);
console.log(`read twice: ${compared.reduce((total, [, count]) => total + count, 0)} (${compared.map((one) => one.join(' ')).join(', ')})`);
console.log(`${sum.findings} findings`);
process.exitCode = sum.findings === 0 ? 0 : 1;
