// The entry point of bin/moeprof.js. The exit code is set, never forced: output to a pipe may still be on its way.
import { runCli } from './program.js';

process.exitCode = await runCli(process.argv.slice(2));
