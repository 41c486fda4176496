import type { WorkWatch } from '../../base/work-watch.js';
import { ComparedRuns } from './compared-run.js';
import { ClaimJudge, type JudgedClaim } from './judge.js';
import { loadReproduction, type Reproduction } from './reproduction.js';
import { ORDER } from './verdict.js';

/** A reproduced paper. */
export interface Reproduced extends Pick<Reproduction, 'paper' | 'setting'> {
  readonly name: string;
  readonly assumes: string | null;
  readonly claims: readonly JudgedClaim[];
}

/** @param names bundled names, or paths @throws UserError for a malformed file or impossible run */
export async function reproduce(names: readonly string[], watch: WorkWatch = {}): Promise<Reproduced[]> {
  const files = names.map((name) => ({ name, file: loadReproduction(name) }));
  const total = files.reduce((sum, { file }) => sum + file.claims.length, 0);
  const source = new ComparedRuns();
  const reproduced: Reproduced[] = [];
  let done = 0;
  for (const { file, name } of files) {
    const { assumes = null, claims, paper, runs, setting } = file;
    const sides = new Map(Object.keys(runs).map((run) => [run, source.side(file, run, `${name}: runs: ${run}`)]));
    const judge = new ClaimJudge(name, sides);
    const judged: JudgedClaim[] = [];
    for (const claim of claims) {
      judged.push(await judge.judge(claim));
      watch.progress?.(++done, total);
      await watch.breathe?.();
    }
    reproduced.push({ name, paper, setting, assumes, claims: judged });
  }
  return reproduced;
}

/** True if a verdict is worse than expected. */
export function gotWorse({ claims }: Reproduced): boolean {
  return claims.some(({ expected, verdict }) => ORDER.indexOf(verdict) > ORDER.indexOf(expected));
}
