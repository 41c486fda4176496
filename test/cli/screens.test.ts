// What people with seven kinds of machines see first; of three large ones in test/claims/cli/screens.test.ts.
// MOEPROF_UPDATE=1 npx vitest run --project unit test/cli/screens.test.ts writes them anew.
import { it } from 'vitest';
import { catchOutput } from '../support/cli-output.js';
import { expectScreen } from './screen.js';

const output = catchOutput();

const MACHINES: readonly (readonly [name: string, ...args: string[]])[] = [
  ['laptop', 'qwen3-30b-a3b', '-w', 'rtx-4060-laptop+i9-13900hx+2xddr5-5600+32GB'],
  ['mini-pc', 'gpt-oss-120b', '-w', 'ryzen-ai-max-395+128GB'],
  ['mac', 'gpt-oss-120b', '-w', 'apple-m4-max+64GB'],
  ['egpu', 'gpt-oss-20b', '-w', 'rtx-3060+i9-13900hx+2xddr5-5600+32GB+pcie3x4'],
  ['windows', 'gpt-oss-120b', '-w', 'rtx-4070+i5-13600k+2xddr5-6000+64GB+windows'],
  ['16-gb', 'qwen3-30b-a3b', '-w', 'rtx-3060+16GB'],
  ['no-gpu', 'qwen3-30b-a3b', '-w', 'i5-12400f+2xddr4-3200+32GB'],
];

it.each(MACHINES)('%s', { timeout: 300_000 }, (name, ...args) => expectScreen(output, name, args));
