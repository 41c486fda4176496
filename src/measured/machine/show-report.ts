import { formatBytes, formatFlops, formatNs, formatNumber, formatRate } from '../../base/units.js';
import type { Device, HardwareSpec, LinkSpec, Machine } from '../../hardware/door.js';
import { assumedOf, memoryRate, memoryText, pcieRate, slotText, takenPartsOf } from '../../hardware/door.js';
import { type Datum, type Document, documentFormats, type Facts, figure, gridOf, type Line, linesBlock, ratio } from '../../report/door.js';

/** A machine with remarks. */
export interface ShownMachine {
  readonly hardware: HardwareSpec;
  readonly remarks: readonly string[];
  readonly notSeen: readonly string[];
}

/** Report of `moeprof machine show`. */
export const machineReports = documentFormats<ShownMachine>(documentOf, ({ hardware, notSeen, remarks }) => ({
  ...hardware,
  remarks,
  notSeen,
}));

/** Columns before the text of a fact. */
const INDENT = 10;

function documentOf({ hardware, notSeen, remarks }: ShownMachine): Document {
  const { cpu, gpu, links, machine, name, software, tiers } = hardware;
  const driver = software === undefined ? 'as it was measured' : `as ${software.runtime} drives it`;
  const notes: Line[] = [
    ...remarks.map((text) => ({ tone: 'warning' as const, text })),
    ...(machine?.calibration === undefined ? [] : [{ tone: 'good' as const, text: machine.calibration }]),
    ...[...takenPartsOf(hardware), ...assumedOf(hardware), ...notSeen].map((text) => ({ tone: 'info' as const, text })),
  ];
  return {
    title: name,
    blocks: [
      ...(machine === undefined ? [] : [partFacts(machine)]),
      gridOf(
        ['memory', 'usable'],
        tiers.map((tier) => [tier.name, figure(tier.bytes, 'bytes')]),
      ),
      gridOf(
        ['device', 'memory', 'reached', 'products', 'a layer'],
        [deviceRow(tiers[0]!.name === 'gpu' ? 'GPU' : 'GPU or CPU', gpu), ...(cpu === null ? [] : [deviceRow('CPU', cpu)])],
        { title: `Devices, ${driver}` },
      ),
      gridOf(['link', 'copies', 'to start', 'at a time'], links.map(linkRow)),
      linesBlock(notes),
    ],
  };
}

function partFacts({ cpu, disks, gpus, pcie, ram, sockets }: Machine): Facts {
  const facts: [string, string][] = [];
  const [gpu] = gpus;
  const measured = (rate: number | undefined): string => (rate === undefined ? '' : `; measured ${formatRate(rate)}`);
  if (gpu !== undefined)
    facts.push([
      'GPU',
      `${gpus.length > 1 ? `${gpus.length} x ` : ''}${gpu.name}, ${formatBytes(gpu.memoryBytes)} at ${formatRate(gpu.memoryBandwidth)}, ${formatFlops(gpu.fp16Flops)}/s${measured(gpu.measuredBandwidth)}`,
    ]);
  if (cpu !== null)
    facts.push([
      'CPU',
      `${sockets > 1 ? `${sockets} x ` : ''}${cpu.name}, ${cpu.cores} cores at ${formatNumber(cpu.clockHz / 1e9, 2)} GHz, ${cpu.isa}`,
    ]);
  if (ram !== null)
    facts.push(['memory', `${memoryText(ram)}, ${formatRate(memoryRate(ram))} of the data sheet${measured(ram.measuredBandwidth)}`]);
  if (pcie !== null)
    facts.push(['PCIe', `${slotText(pcie)}, ${formatRate(pcieRate(pcie))} on the wires${measured(pcie.measuredBandwidth)}`]);
  for (const disk of disks) facts.push(['drive', `${disk.name}, ${formatRate(disk.bandwidth)}`]);
  return { kind: 'facts', facts, indent: INDENT };
}

function deviceRow(name: string, device: Device): Datum[] {
  const { bandwidthFraction, computeFraction, memoryBandwidth, peakFlops, perLayerNs } = device;
  const flops = peakFlops * computeFraction;
  return [
    name,
    figure(memoryBandwidth, 'bytes/s'),
    ratio(bandwidthFraction),
    { value: flops, text: `${formatFlops(flops)}/s` },
    { value: perLayerNs, text: formatNs(perLayerNs) },
  ];
}

function linkRow({ bandwidth, lanes, latencyNs, name }: LinkSpec): Datum[] {
  return [
    name === 'h2d' ? 'to the GPU' : 'from the drive',
    figure(bandwidth, 'bytes/s'),
    { value: latencyNs, text: formatNs(latencyNs) },
    figure(lanes, 'count'),
  ];
}
