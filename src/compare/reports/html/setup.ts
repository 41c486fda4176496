// Differences in the set-up of the two runs.
import { html, type Section, table } from '../../../report/door.js';
import type { Comparison } from '../../compare.js';

/** Differences in inputs and configuration. */
export const setupCompared: Section<Comparison> = {
  id: 'setup',
  title: 'What was set differently',
  draw({ inputs, config }) {
    const rows = [...inputs.map((one) => ({ ...one, what: 'input' })), ...config.map((one) => ({ ...one, what: 'configuration' }))];
    if (rows.length === 0) return null;
    return {
      about: inputs.length > 0 ? 'Inputs differ: figures of the two runs are of different work.' : null,
      content: html`${table(
        'Differences',
        ['path', 'of', 'base', 'candidate'],
        rows.map(({ path, what, base, candidate }) => [path, what, base, candidate]),
        [0, 1, 2, 3],
      )}`,
    };
  },
};
