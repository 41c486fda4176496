// docs/models.md names what there is, and its example profile is one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/model/families/index.js';
import { ModelProfileSchema } from '../../src/model/profile.js';
import { CHECKPOINTS } from '../../src/model/quantization/checkpoints.js';
import { KERNEL_FORMATS } from '../../src/model/quantization/formats/index.js';
import { QUANTIZATIONS } from '../../src/model/quantization/index.js';
import { LLAMA } from '../../src/model/quantization/llama.js';
import { parseYaml } from '../support/yaml.js';

const page = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');
const PAGE = page('models.md');

describe('storage formats in docs/models.md', () => {
  it('has every quantization, and what it says of itself', () => {
    for (const { name } of QUANTIZATIONS) expect(PAGE).toContain(`\`${name}\``);
    for (const { name, summary } of [...CHECKPOINTS, ...LLAMA]) expect(PAGE).toContain(`| \`${name}\` | ${summary} |`);
  });

  it('has every kernel format with its bits and its block', () => {
    for (const { name, plain, bits, weights, bytes, rowBytes } of KERNEL_FORMATS) {
      const block = weights === 1 ? '' : ` (${weights}, ${bytes}${rowBytes > 0 ? `, ${rowBytes} a row` : ''})`;
      expect(PAGE).toContain(plain === name ? `\`${name}\` ${Math.round(bits * 1e4) / 1e4}${block}` : `\`${name}\``);
    }
  });
});

describe('docs/models.md', () => {
  it.each(FAMILIES.flatMap(({ types }) => types))('has the model type %s', (type) => {
    expect(PAGE).toContain(`\`${type}\``);
  });

  it('shows a profile that is well-formed', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(PAGE)![1]!;
    expect(parseYaml(example, 'docs/models.md', ModelProfileSchema)).toMatchObject({ name: 'my-model', layers: 48 });
  });
});
