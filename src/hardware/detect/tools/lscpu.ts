import { definedFields } from '../../../base/objects.js';
import { countOf, flagsOf, type Tool } from './tool.js';

/** lscpu of util-linux, in English. */
export const lscpu: Tool = {
  name: 'lscpu',
  question: { kind: 'command', argv: ['lscpu'] },
  tells: 'the processor with its sockets and instruction sets',
  missing: ({ cpu }) => cpu === undefined || cpu.flags.length === 0,
  read: (answer) => {
    const fields = new Map([...answer.matchAll(/^\s*([^:\n]+?):[ \t]+(.+?)\s*$/gm)].map(([, key, value]) => [key!, value!]));
    const sockets = countOf(fields.get('Socket(s)') ?? fields.get('Cluster(s)')) ?? 1;
    const cores = countOf(fields.get('Core(s) per socket') ?? fields.get('Core(s) per cluster'));
    const threads = countOf(fields.get('CPU(s)'));
    const name = fields.get('Model name');
    // On x86 twice the time-stamp clock; Arm counts differently.
    const ticks = /^(AuthenticAMD|GenuineIntel)$/.test(fields.get('Vendor ID') ?? '') ? Number(fields.get('BogoMIPS') ?? 0) / 2 : 0;
    if (cores === undefined && threads === undefined) return {};
    const [family, model, nodes] = [countOf(fields.get('CPU family')), countOf(fields.get('Model')), countOf(fields.get('NUMA node(s)'))];
    return {
      cpu: {
        names: name === undefined || name === '-' ? [] : [name],
        // Big and little clusters are listed separately. Such cores have one thread each: threads count all cores.
        cores: fields.has('Cluster(s)') && threads !== undefined ? threads : (cores ?? threads!) * sockets,
        sockets: fields.has('Socket(s)') ? sockets : 1,
        ...(fields.has('Vendor ID') && { vendor: fields.get('Vendor ID')! }),
        ...definedFields({ family, model, nodes }),
        ...(fields.has('Hypervisor vendor') && { hypervisor: fields.get('Hypervisor vendor')! }),
        ...(ticks > 0 && { clockHz: ticks * 1e6 }),
        flags: flagsOf(fields.get('Flags')),
      },
    };
  },
};
