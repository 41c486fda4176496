// The entry point of bin/moeprof.js. The exit code is set, never forced: output to a pipe may still be on its way.
import { setExitCode, words } from '../base/host/command.js';
import { runCli } from './program.js';

setExitCode(await runCli(words()));
