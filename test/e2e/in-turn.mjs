// A process that runs the built command again and again, for test/e2e/moeprof.ts: { args, cwd } comes in, what a process of its own would leave
// behind goes back. Modules stay loaded and compiled; all that the entry point holds is new each time.
const ENTRY = new URL('../../dist/cli/main.js', import.meta.url);

let runs = 0;
process.on('disconnect', () => process.exit());
process.on('message', async ({ args, cwd }) => {
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    // Each entry point listens for errors of the streams, and none goes.
    process[name].removeAllListeners('error');
    process[name].write = (chunk, ...rest) => {
      text[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      rest.at(-1)?.();
      return true;
    };
  }
  process.chdir(cwd);
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...args);
  process.exitCode = undefined;
  await import(`${ENTRY.href}?${runs++}`);
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  process.send({ ...text, code });
});
