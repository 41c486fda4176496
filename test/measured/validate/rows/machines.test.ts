// Votes of machines, and their kinds.
import { describe, expect, it } from 'vitest';
import { machineKindOf, votesOf } from '../../../../src/measured/validate/rows/machines.js';
import type { Measurement } from '../../../../src/measured/validate/rows/measurement.js';
import { BOX, measurement } from '../rows.js';

type RowMachine = Measurement['machine'];

describe('votes', () => {
  const votes = (...machines: RowMachine[]) => [...votesOf(machines)].map(([name, vote]) => `${name} ${vote}`);

  it('are shared by machines with the same cards, CPU and memory, whatever its size', () => {
    const twin = { ...BOX, name: 'twin', ram: { ...BOX.ram, gb: 96 } };
    const faster = { ...BOX, name: 'faster', ram: { ...BOX.ram, mts: 6400 } };
    const two = { ...BOX, name: 'two', gpus: [BOX.gpus[0]!, BOX.gpus[0]!] };
    expect(votes(BOX, twin, faster, two)).toEqual(['box box', 'twin box', 'faster faster', 'two two']);
  });

  it('are of one machine whatever part of it a row uses, and of all that equal one of these', () => {
    const bare = { ...BOX, gpus: [] };
    const hosts = { ...bare, name: 'host' };
    expect(votes(BOX, hosts, bare)).toEqual(['box box', 'host box']);
    expect(votes(hosts, BOX, bare)).toEqual(['host host', 'box host']);
  });

  it('of chips do not depend on whether their graphics are used; of unknown CPUs are their own', () => {
    const chip = { name: 'a', gpus: [{ name: 'radeon-8060s' }], cpu: { name: 'ryzen-ai-max-395' }, unified: true };
    expect(votes(chip, { ...chip, name: 'b', gpus: [] })).toEqual(['a a', 'b a']);
    expect(votes({ name: 'c', gpus: [] }, { name: 'd', gpus: [] })).toEqual(['c c', 'd d']);
  });
});

it.each([
  ['desktop', {}],
  ['desktop', { cpu: undefined, ram: undefined }],
  ['server', { cpu: { name: 'epyc-9355' } }],
  ['server', { cpu: undefined, ram: undefined, gpus: [{ name: 'h100' }] }],
  ['server', { cpu: { name: 'xeon-platinum-8454h' } }],
  ['server', { cpu: { name: 'some-cpu', sockets: 2 } }],
  ['server', { cpu: { name: 'i9-10900x' }, ram: { channels: 4 } }],
  ['laptop or one memory', { unified: true }],
  ['laptop or one memory', { cpu: { name: 'ryzen-9-8945hs' } }],
  ['laptop or one memory', { gpus: [{ name: 'rtx-5090-laptop' }] }],
  ['CPU only', { gpus: [] }],
])('the kind is %s with %j', (kind, over) => {
  expect(machineKindOf(measurement({ machine: { ...BOX, ...over } }))).toBe(kind);
});

it('the kind of a placement comes first: on the CPU alone, or a stream', () => {
  expect(machineKindOf(measurement({ placement: { kind: 'all-cpu' } }))).toBe('CPU only');
  expect(machineKindOf(measurement({ placement: { kind: 'ssd-stream' }, machine: { ...BOX, gpus: [] } }))).toBe('streams from SSD');
});
