// Steps on the way to a model that the tests take one by one.
import { levelSizes, measureProfile } from '../../src/model/build.js';
import { readJson } from '../../src/model/json.js';
import { configProfile } from '../../src/model/load/huggingface.js';
import { openModel } from '../../src/model/load/load.js';
import { assemble } from '../../src/model/parts.js';
import type { ModelProfile } from '../../src/model/profile.js';
import type { Quantization } from '../../src/model/quantization/rule.js';
import type { ModelSpec } from '../../src/model/spec.js';

/** A bundled profile. */
export const loadModelProfile = (name: string): ModelProfile => openModel(name).profile!;

/** The profile of a config.json. */
export const loadConfig = (path: string): ModelProfile => configProfile(readJson(path, 'config'), path);

/** The model of a profile at one quantization. */
export const buildModel = (profile: ModelProfile, quantization: Quantization): ModelSpec =>
  assemble(levelSizes(measureProfile(profile, quantization)));
