import type { Result } from '../../../result/result.js';
import { gridTable } from '../../document/page.js';
import type { Section } from '../../page/pieces.js';
import { summarizeResult } from '../../summary/summary.js';

function aboutClasses(classes: NonNullable<Result['classes']>): string {
  const notes = [
    classes.some(({ budget }) => budget !== null) && 'Requests with a budget use less of the model.',
    classes.some(({ degraded }) => degraded !== undefined) &&
      'Degraded are activations that copies of lower precision or other experts served.',
    classes[0]!.attained !== null && 'In time are requests that kept the objective of their class.',
  ];
  return notes.filter((sentence) => sentence !== false).join(' ');
}

/** Waiting times by request class, and each class's share of the model's time. */
export const classesSection: Section<Result> = {
  id: 'classes',
  title: 'Classes of requests',
  draw(result) {
    const { classes } = summarizeResult(result);
    if (classes === null) return null;
    return { about: aboutClasses(result.classes!), content: gridTable('What each class waited', classes) };
  },
};
