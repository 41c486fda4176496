// docs/models.md names what there is, and its example profile is one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/model/families/index.js';
import { ModelProfileSchema } from '../../src/model/profile.js';
import { QUANTIZATIONS } from '../../src/model/quantization.js';
import { parseYaml } from '../support/yaml.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/models.md'), 'utf8');

describe('docs/models.md', () => {
  it.each(QUANTIZATIONS.map(({ name }) => name))('has the format %s', (name) => {
    expect(PAGE).toContain(`\`${name}\``);
  });

  it.each(FAMILIES.flatMap(({ types }) => types))('has the model type %s', (type) => {
    expect(PAGE).toContain(`\`${type}\``);
  });

  it('shows a profile that is well-formed', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(PAGE)![1]!;
    expect(parseYaml(example, 'docs/models.md', ModelProfileSchema)).toMatchObject({ name: 'my-model', layers: 48 });
  });
});
