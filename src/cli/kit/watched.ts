import type { WorkWatch } from '../../base/work-watch.js';
import type { CliContext } from './context.js';

/** Callback for remarks on inputs. */
export const remarks = (context: Pick<CliContext, 'note'>) => ({ note: (text: string): void => context.note(text) });

/** Work with a progress bar, removed at any end. @param work receives callback and pause */
export async function watched<T>(
  context: Pick<CliContext, 'progress' | 'breathe' | 'note'>,
  label: string,
  unit: string,
  work: (watch: Required<WorkWatch>) => Promise<T>,
): Promise<T> {
  // Before a first report, work may take long to open files and draw routing.
  let bar = context.progress('preparing', 0, unit);
  let known = false;
  const progress = (done: number, total: number): void => {
    if (!known) {
      bar.finish();
      bar = context.progress(label, total, unit);
      known = true;
    }
    bar.update(done);
  };
  const breathe = (): Promise<void> => {
    if (!known) bar.update(0);
    return context.breathe();
  };
  try {
    return await work({ progress, breathe, ...remarks(context) });
  } finally {
    bar.finish();
  }
}
