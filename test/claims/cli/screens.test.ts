// What people with large machines see first, each of which takes seconds.
// MOEPROF_UPDATE=1 npx vitest run --project claims test/claims/cli/screens.test.ts writes them anew.
import { it } from 'vitest';
import { expectScreen } from '../../cli/screen.js';
import { catchOutput } from '../../support/cli-output.js';

const output = catchOutput();

const MACHINES: readonly (readonly [name: string, ...args: string[]])[] = [
  ['two-cards', 'gpt-oss-120b', '-w', '2xrtx-3090+ryzen-9-5950x+2xddr4-3200+64GB'],
  ['old-xeon', 'qwen3-235b-a22b', '-w', 'tesla-p40+2xxeon-e5-2690-v4+8xddr4-2400+256GB'],
  ['server', 'deepseek-v3', '-w', 'rtx-5090+epyc-9355+12xddr5-6400+768GB'],
];

it.each(MACHINES)('%s', { timeout: 300_000 }, (name, ...args) => expectScreen(output, name, args));
