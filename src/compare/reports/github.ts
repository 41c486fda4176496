import { type Format, printable } from '../../report/door.js';
import type { Gate } from '../gate.js';
import { type LocatedFault, locatedFaults, subjectOf } from './faults.js';

/** Annotations per level and step shown by GitHub. */
const MOST = 10;

/** The worst faults as annotations at the budget's line, the rest counted. */
export const githubFormat: Format<Gate> = {
  name: 'github',
  extensions: [],
  render: (gate) => {
    const faults = locatedFaults(gate);
    const [errors, warnings] = [faults.filter(({ level }) => level === 'error'), faults.filter(({ level }) => level === 'warn')];
    const hidden = Math.max(0, errors.length - MOST) + Math.max(0, warnings.length - MOST);
    const lines = [...errors.slice(0, MOST), ...warnings.slice(0, MOST)].map(annotation);
    if (hidden > 0) lines.push(`::notice title=moeprof::and ${hidden} more, which the report of this job lists`);
    return lines.map((line) => `${line}\n`).join('');
  },
};

function annotation(fault: LocatedFault): string {
  const { file, line, column } = fault.place;
  const command = fault.level === 'error' ? 'error' : 'warning';
  const properties = [`file=${property(file)}`, `line=${line}`, `col=${column}`, `title=${property(`moeprof: ${subjectOf(fault)}`)}`];
  return `::${command} ${properties.join(',')}::${data(`${subjectOf(fault)} ${fault.message}`)}`;
}

const data = (text: string): string => printable(text).replaceAll('%', '%25');

const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
