// docs/routing.md against the program: every variant is there, and profiles can be read.
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ModelProfileSchema } from '../../../src/model/profile.js';
import { VARIANTS } from '../../../src/trace/variants/index.js';
import { page, table, yaml } from './page.js';

describe('docs/routing.md', () => {
  it('has a row for every variant, with its paper', () => {
    for (const { cites, name } of VARIANTS) {
      const row = table('variant').find(([spec]) => new RegExp(`^\`${name}[=:\`]`).test(spec!));
      expect(row, name).toBeDefined();
      for (const [paper] of cites.matchAll(/\d{4}\.\d{5}/g)) expect(page, name).toContain(paper);
    }
  });

  it('shows profiles that can be read', () => {
    const [whole, modules] = yaml;
    expect(() => ModelProfileSchema.parse(parse(whole!))).not.toThrow();
    const profile = parse(whole!) as { moe: Record<string, unknown> };
    expect(() => ModelProfileSchema.parse({ ...profile, moe: { ...profile.moe, ...(parse(modules!) as object) } })).not.toThrow();
  });
});
