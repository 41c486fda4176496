import { type Detection, machineFileText } from '../../hardware/door.js';
import { type Document, documentFormats, type Format, gridOf, type Line, linesBlock, note } from '../../report/door.js';
import { tagged } from '../../result/version.js';

/** A named detected machine. */
export interface DetectedMachine {
  readonly name: string;
  readonly detection: Detection;
}

/** Formats of a detection; `yaml` is for -w. */
export const detectionReports: readonly Format<DetectedMachine>[] = documentFormats<DetectedMachine>(documentOf, ({ detection, name }) => ({
  ...tagged('moeprof.machine/1'),
  name,
  machine: compositionOf(detection),
  ...detection,
})).toSpliced(2, 0, {
  name: 'yaml',
  extensions: ['.yaml', '.yml'],
  render: ({ detection, name }) => machineFileText(detection, name),
});

const compositionOf = ({ parts }: Detection): string => parts.map(({ part }) => part).join('+');

function documentOf({ detection, name }: DetectedMachine): Document {
  const { cpu, gpu, notSeen, parts, remarks } = detection;
  const changes = [
    ...(cpu?.cores === undefined ? [] : [`${cpu.cores} cores of a socket`]),
    ...(cpu?.isa === undefined ? [] : [cpu.isa]),
    ...(gpu === undefined ? [] : [`${Math.round(gpu.memoryBytes / 2 ** 30)} GiB of memory on a card`]),
  ];
  const notes: Line[] = [
    ...remarks.map((text) => ({ tone: 'warning' as const, text })),
    ...[
      ...(changes.length === 0 ? [] : [`Other than its parts it has ${changes.join(', ')}; a file keeps that (-o machine.yaml).`]),
      ...notSeen,
    ].map((text) => ({ tone: 'info' as const, text })),
  ];
  return {
    title: `${name}: ${compositionOf(detection)}`,
    blocks: [
      gridOf(
        ['part', { head: 'stands for', align: 'left', most: 'rest' }],
        parts.map(({ exact, part, seen }) => [part, exact ? seen : `nearest to ${seen}`]),
      ),
      linesBlock(notes),
      note('moeprof machine detect -o machine.yaml writes it; -w machine.yaml uses it.', 'dim', { only: ['terminal'] }),
    ],
  };
}
