// Work behind a progress bar, which is gone however the work ends.
import type { CliContext } from './context.js';
import type { Progress } from './progress.js';

/**
 * Shows a bar while work of so many units is done, from the first word on how far it is.
 * @param work is given what it reports to, and what lets signals in
 */
export async function watched<T>(
  context: Pick<CliContext, 'progress' | 'breathe'>,
  label: string,
  unit: string,
  work: (watch: { progress(done: number, total: number): void; breathe(): Promise<void> }) => Promise<T>,
): Promise<T> {
  const bars: Progress[] = [];
  const progress = (done: number, total: number): void => {
    bars[0] ??= context.progress(label, total, unit);
    bars[0].update(done);
  };
  try {
    return await work({ progress, breathe: () => context.breathe() });
  } finally {
    bars[0]?.finish();
  }
}
