// Measuring thread: prepares the work, then works between two given times.
import { serveTasks } from '../../base/worker-pool.js';
import { type Span, type Task, type ThreadWork, workBetween, workOf } from './task.js';

serveTasks<Task, Span | null, ThreadWork | null>((task) => {
  const work = workOf(task);
  return (span) => (span === null ? null : workBetween(work, span));
});
