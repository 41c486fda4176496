// The pages on the gate: their YAML can be read, budgets in it are budgets, and commands and flags that they show exist.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { commands } from '../../src/cli/commands.js';
import type { CliContext } from '../../src/cli/kit/context.js';
import { compareReports } from '../../src/compare/reports/index.js';
import { reports } from '../../src/report/formats/index.js';
import { budgetFileSchema, budgetsOf, parseFailOn } from '../../src/result/budget.js';
import { METRICS } from '../../src/result/catalogue.js';
import { parseYaml } from '../support/yaml.js';

const page = (name: string): string => readFileSync(resolve(import.meta.dirname, '../../docs', name), 'utf8');
const blocks = (text: string): string[] => [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!);

/** Options of commands that were asked for before, by name. */
const known = new Map<string, Promise<Set<string>>>();

/** Long options of a command and of the commands below it. */
function optionsOf(name: string): Promise<Set<string>> {
  const options = known.get(name) ?? loadedOptions(name);
  known.set(name, options);
  return options;
}

async function loadedOptions(name: string): Promise<Set<string>> {
  const command = new Command(name);
  (await commands.find((entry) => entry.name === name)!.load()).define(command, {} as CliContext);
  const all = [command, ...command.commands];
  return new Set([...all.flatMap(({ options }) => options.map(({ long }) => long!)), '--json', '--quiet', '--verbose', '--help']);
}

describe.each(['ci.md', 'plan.md', 'record.md', 'routing.md', 'studies.md', 'systems.md', 'tutorial.md', 'workloads.md'])(
  'docs/%s',
  (name) => {
    const text = page(name);

    it('shows YAML that can be read', () => {
      const found = blocks(text);
      // These two show commands alone.
      expect(found.length).toBeGreaterThanOrEqual(['record.md', 'systems.md'].includes(name) ? 0 : 1);
      for (const block of found) expect(() => parse(block), block).not.toThrow();
    });

    it('shows commands and flags that exist', { timeout: 180_000 }, async () => {
      const lines = text.replaceAll('\\\n', ' ').match(/\bmoeprof(@[\d.]+)? [a-z]+\b[^\n`#]*/g) ?? [];
      expect(lines.length).toBeGreaterThan(3);
      for (const line of lines) {
        const [, command] = /^moeprof(?:@[\d.]+)? ([a-z]+)/.exec(line)!;
        if (!commands.some((entry) => entry.name === command)) {
          // Prose: "moeprof does"; a flag behind it would be a command that nobody has.
          expect(line).not.toMatch(/ --?[a-z]/);
          continue;
        }
        const options = await optionsOf(command!);
        for (const [flag] of line.replace(/'[^']*'/g, '').matchAll(/(?<= )--[a-z][a-z-]*/g)) expect(options, line).toContain(flag);
      }
    });
  },
);

describe('docs/ci.md', () => {
  const text = page('ci.md');

  it('shows a budget file and conditions that mean something', () => {
    const file = parseYaml(blocks(text).find((block) => block.startsWith('budgets:'))!, 'docs', budgetFileSchema);
    expect(budgetsOf(file.budgets, () => 'docs').length).toBeGreaterThan(4);
    const conditions = [...text.matchAll(/^\| `([^`]*[<>][^`]*)` \|/gm)].map((match) => match[1]!);
    expect(conditions.length).toBeGreaterThan(4);
    for (const condition of conditions) expect(() => parseFailOn(condition)).not.toThrow();
  });

  it('names every format, and only metrics that exist', () => {
    for (const format of compareReports) expect(text).toContain(`\`${format.name}\``);
    const named = [...text.matchAll(/`((?:latency|cache|transfer|throughput|experts|wall)\.[a-z0-9_.]+)`/g)].map(([, metric]) => metric);
    expect(named.length).toBeGreaterThan(0);
    for (const metric of named) expect([...METRICS.keys()]).toContain(metric);
  });

  it('names only formats that exist', () => {
    const names = [...compareReports, ...reports].map((format) => format.name);
    const given = [...text.matchAll(/-o ([a-z-]+)=/g)].map((match) => match[1]!);
    expect(given.length).toBeGreaterThan(4);
    for (const name of given) expect(names).toContain(name);
  });
});
