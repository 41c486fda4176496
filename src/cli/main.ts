// Sets the exit code without exiting: output to a pipe may be pending.
import { setExitCode, words } from '../base/host/command.js';
import { runCli } from './program.js';

setExitCode(await runCli(words()));
