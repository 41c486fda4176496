import type { Command } from 'commander';
import { platform } from '../base/host/machine.js';
import { readText } from '../base/input-file.js';
import { byName } from '../base/objects.js';
import { isPath, shownPath } from '../base/profiles.js';
import { machineWords } from '../hardware/door.js';
import { contributionReports } from '../measured/contribute/report.js';
import { contributionOf } from '../measured/contribute/rows.js';
import { timingsOf } from '../runtime/timings.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import type { Texts } from './kit/options.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { machineToMeasure } from './machine/calibrate.js';

/** Operating systems by Node's names. */
const SYSTEMS = byName<string>({ darwin: 'macos', win32: 'windows', linux: 'linux' });

/** `moeprof measure`: engine logs as rows of measurements with predictions. Nothing is sent. */
export function define(command: Command, context: CliContext): void {
  type Options = OutputOptions & Texts<'hardware' | 'model' | 'os' | 'quantization'>;
  declared(command, 'measure', { formats: contributionReports }).action(async (paths: readonly string[], options: Options) => {
    const { hardware, model = null, os, quantization = null } = options;
    await deliver(context, contributionReports, options, async () => {
      const logs = paths.map((path) => {
        const text = readText(path, 'log');
        return { text, timings: timingsOf(text, shownPath(path)) };
      });
      const system = os ?? (hardware === undefined ? (SYSTEMS[platform] ?? null) : null);
      const place = hardware === undefined ? 'this machine' : `-w ${hardware}`;
      // Of a machine named by parts, only the named parts count, without their usual companions.
      const named = hardware !== undefined && !isPath(hardware);
      const file = named ? { name: hardware, parts: machineWords(hardware) } : await machineToMeasure(hardware);
      return contributionOf(logs, file, place, { model, quantization }, system);
    });
  });
}
