// A checked value of YAML text, without the places of its parts.
import type { z } from 'zod';
import { locateYaml } from '../../src/base/yaml.js';

/** As {@link locateYaml}, its value alone. */
export function parseYaml<T>(text: string, path: string, schema: z.ZodType<T>): T {
  return locateYaml(text, path, schema).value;
}
