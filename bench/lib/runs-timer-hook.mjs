// What runs-timer.mjs registers: simulateRun of the build, with a clock around it. The build itself stays as it is.
const TIMED = `
let runsUs = 0;
process.on('exit', () => process.stderr.write('runs ' + (runsUs / 1e6).toFixed(3) + ' s\\n'));
export async function simulateRun(run, watch) {
  const before = process.cpuUsage();
  try {
    return await untimedRun(run, watch);
  } finally {
    const { system, user } = process.cpuUsage(before);
    runsUs += system + user;
  }
}
`;

/** Module hook of Node. */
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith('/engine/simulate.js')) return loaded;
  const source = String(loaded.source);
  const untimed = source.replace('export async function simulateRun(', 'async function untimedRun(');
  if (untimed === source) throw new Error('simulateRun has another form; mend bench/lib/runs-timer-hook.mjs');
  return { ...loaded, source: untimed.replaceAll(/(?<=return )simulateRun\(/g, 'untimedRun(') + TIMED };
}
