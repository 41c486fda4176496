// The table of members: each row is a member of its family and the other way round, and parameters mean what their columns have.
import { describe, expect, it } from 'vitest';
import { type MemberFamily, member, parameterOf } from '../../src/base/members.js';
import type { Member } from '../../src/base/parameters.js';
import { bundledSections } from '../../src/base/profiles.js';
import { POLICIES } from '../../src/cache/policies/index.js';
import { PREDICTORS } from '../../src/predict/predictors/index.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import { PLACEMENTS } from '../../src/system/placement/index.js';
import { VARIANTS } from '../../src/trace/variants/index.js';

const FAMILIES: Readonly<Record<MemberFamily, readonly Member[]>> = {
  policy: POLICIES,
  predictor: PREDICTORS,
  scheduler: SCHEDULERS,
  placement: PLACEMENTS,
  variant: VARIANTS,
};

/** Members whose summary code makes. */
const IN_CODE = ['onnx'];

describe('profiles/members.txt', () => {
  it('has a section for each family, and no other', () => {
    expect([...bundledSections('members.txt').keys()]).toEqual(Object.keys(FAMILIES));
  });

  it.each(Object.keys(FAMILIES) as MemberFamily[])('has each %s once, and none that is not in the registry', (family) => {
    const names = (bundledSections('members.txt').get(family) ?? []).filter((row) => !row.startsWith(' ')).map((row) => row.split('  ')[0]);
    const listed = FAMILIES[family].map(({ name }) => name).filter((name) => !IN_CODE.includes(name));
    expect(names.toSorted()).toEqual(listed.toSorted());
  });

  it('has three columns a member and four a parameter', () => {
    for (const row of [...bundledSections('members.txt').values()].flat()) {
      expect(row.trim().split(/ {2,}/), row).toHaveLength(row.startsWith(' ') ? 4 : 3);
    }
  });
});

describe('member', () => {
  it('has its rows up to the next member, and the parameters of code after them', () => {
    const more = { costNs: { default: 0, description: 'time of one prediction' } };
    expect(member('policy', 'two-queue', more)).toEqual({
      name: 'two-queue',
      summary: 'FIFO for newcomers, LRU for those demanded again after leaving it',
      cites: 'Johnson and Shasha, "2Q", VLDB 1994',
      parameters: {
        in: { default: 0.25, min: 0, max: 1, description: 'share of the capacity for newcomers' },
        out: { default: 0.5, min: 0, description: 'bytes remembered after leaving, as a share of the capacity' },
        ...more,
      },
    });
    expect(member('policy', 'lru').parameters).toEqual({});
  });

  it('refuses a name that the family does not have', () => {
    expect(() => member('scheduler', 'lru')).toThrow('profiles/members.txt: no scheduler lru');
    expect(() => member('policy', 'two')).toThrow('profiles/members.txt: no policy two');
  });
});

describe('parameterOf', () => {
  it.each([
    ['  a  0.5  0..1  share', { default: 0.5, min: 0, max: 1, description: 'share' }],
    ['  a  2  1..  number', { default: 2, min: 1, description: 'number' }],
    ['  a  -3  ..  any number', { default: -3, description: 'any number' }],
    ['  a  on  on|off  switch', { default: true, description: 'switch' }],
    ['  a  off  on|off  switch', { default: false, description: 'switch' }],
    ['  a  x  x|y  choice', { default: 'x', values: ['x', 'y'], description: 'choice' }],
    ['  a  -  text  nothing', { default: '', description: 'nothing' }],
    ['  a  0.84  text  words', { default: '0.84', description: 'words' }],
  ])('reads %s', (row, parameter) => {
    expect(parameterOf(row)).toEqual(['a', parameter]);
  });

  it('refuses a row without a meaning', () => {
    expect(() => parameterOf('  a  1  0..')).toThrow('no parameter:   a  1  0..');
  });
});
