import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { listProfiles } from '../base/profiles.js';
import { reproductionReports } from '../measured/reproduce/report.js';
import { gotWorse, type Reproduced, reproduce } from '../measured/reproduce/reproduce.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output, PICTURES } from './kit/groups.js';
import { deliver } from './kit/outputs.js';
import { watched } from './kit/watched.js';

const REPRODUCE = options({
  '[papers...]': 'bundled names, or files of published figures',
  '--all': 'every paper that ships',
  '--gate': 'fail where a verdict is worse than its file asks for',
  ...output(reproductionReports),
  ...PICTURES,
});

type ReproduceOptions = OptionsOf<typeof REPRODUCE>;

/** Help. */
export const help = `Examples:
  moeprof reproduce mixtral-offloading        one paper
  moeprof reproduce --all -o reproduced.md    all of them, some minutes
  moeprof reproduce ./my-paper.yaml --gate    a file of your own

A file is YAML: moeprof schema reproduction. What there is:
moeprof profiles list reproduction

Exit code 1 with --gate: a published direction is not met, and its file does
not say why.`;

/** `moeprof reproduce`: published figures against simulated figures. */
export function define(command: Command, context: CliContext): void {
  declared(command, REPRODUCE, { first: ['--all', '--gate', '-o'] }).action(
    async (papers: readonly string[], options: ReproduceOptions) => {
      const names = namesOf(papers, options);
      await deliver(context, reproductionReports, options, async () => {
        const reproduced: Reproduced[] = await watched(context, 'reproducing', 'claims', (watch) => reproduce(names, watch));
        if (options.gate === true && reproduced.some(gotWorse)) context.setExitCode(EXIT.gateFailed);
        return reproduced;
      });
    },
  );
}

/** @throws UserError without a paper, or for papers with --all */
function namesOf(papers: readonly string[], { all = false }: ReproduceOptions): readonly string[] {
  const bundled = listProfiles('reproductions');
  if (all && papers.length > 0) throw new UserError(`--all: stands beside ${papers.join(', ')}; give one or the other`);
  if (all) return bundled;
  if (papers.length === 0) throw new UserError(`reproduce: name a paper (${bundled.join(', ')}), or give --all`);
  return papers;
}
