// Reproduces papers: executes every run that a file of published figures compares, and puts its figures beside the published ones.
import { placed } from '../../base/errors.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { FigureSource, type Figures } from './figures.js';
import { type JudgedClaim, judgeClaim } from './judge.js';
import { loadReproduction, type Reproduction } from './reproduction.js';

/** A paper, reproduced. */
export interface Reproduced extends Pick<Reproduction, 'paper' | 'setting'> {
  readonly name: string;
  readonly assumes: string | null;
  readonly claims: readonly JudgedClaim[];
}

/**
 * Reproduces papers, one after another.
 * @param names bundled names, or paths of files
 * @throws UserError where a file is malformed, or a run of it cannot be done
 */
export async function reproduce(names: readonly string[], watch: WorkWatch = {}): Promise<Reproduced[]> {
  const files = names.map((name) => ({ name, file: loadReproduction(name) }));
  const total = files.reduce((sum, { file }) => sum + Object.keys(file.runs).length, 0);
  const source = new FigureSource();
  const reproduced: Reproduced[] = [];
  let done = 0;
  for (const { file, name } of files) {
    const figures = new Map<string, Figures>();
    for (const run of Object.keys(file.runs)) {
      figures.set(run, await source.figures(file, run, `${name}: runs: ${run}`));
      watch.progress?.(++done, total);
      await watch.breathe?.();
    }
    const { assumes = null, claims, paper, setting } = file;
    reproduced.push({
      name,
      paper,
      setting,
      assumes,
      claims: claims.map((claim) => placed(name, () => judgeClaim(claim, (run) => figures.get(run)!))),
    });
  }
  return reproduced;
}

/** True where a direction is not met and the file does not say why. */
export function isUnexplained({ claims }: Reproduced): boolean {
  return claims.some(({ met, why }) => met === false && why === null);
}
