import type { Member, Parameter, ParameterTable } from './parameters.js';
import { bundledSections } from './profiles.js';

/** Family in code, described by rows of profiles/members.txt. */
export type MemberFamily = 'policy' | 'predictor' | 'scheduler' | 'placement' | 'variant';

const TABLE = bundledSections('members.txt');

/** Member from the table. @param more parameters of code @throws Error for an unknown member */
export function member(family: MemberFamily, name: string, more: ParameterTable = {}): Required<Member> {
  const rows = TABLE.get(family) ?? [];
  const at = rows.findIndex((row) => row.startsWith(`${name}  `));
  const [, summary, cites] = rows[at]?.split('  ') ?? [];
  if (summary === undefined || cites === undefined) throw new Error(`profiles/members.txt: no ${family} ${name}`);
  const end = rows.findIndex((row, i) => i > at && !row.startsWith('  '));
  const parameters = rows.slice(at + 1, end < 0 ? rows.length : end).map(parameterOf);
  return { name, summary, cites, parameters: { ...Object.fromEntries(parameters), ...more } };
}

/** Parses a parameter row: name, default, values and meaning. @throws Error if invalid */
export function parameterOf(row: string): readonly [name: string, Parameter] {
  const [name, usual, values, description] = row.trim().split(/ {2,}/);
  if (description === undefined) throw new Error(`profiles/members.txt: no parameter: ${row}`);
  if (values === 'text') return [name!, { default: usual === '-' ? '' : usual!, description }];
  if (values === 'on|off') return [name!, { default: usual === 'on', description }];
  const range = values!.split('..');
  if (range.length === 1) return [name!, { default: usual!, description, values: values!.split('|') }];
  const [min, max] = range.map((bound) => (bound === '' ? undefined : Number(bound)));
  return [name!, { default: Number(usual), description, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }];
}
