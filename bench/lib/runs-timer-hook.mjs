// What runs-timer.mjs registers: simulateRun of the build, with a clock around it. The build itself stays as it is.
const DEFINED = 'async function simulateRun(';
const TIMED = `
let runsUs = 0;
process.on('exit', () => process.stderr.write('runs ' + (runsUs / 1e6).toFixed(3) + ' s\\n'));
${DEFINED}run, watch) {
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
  if (!url.includes('/dist/')) return loaded;
  const source = String(loaded.source);
  return source.includes(DEFINED) ? { ...loaded, source: source.replace(DEFINED, 'async function untimedRun(') + TIMED } : loaded;
}
