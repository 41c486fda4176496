import { newSha256 } from '../../base/host/hash.js';
import { type Format, printable, toJson } from '../../report/door.js';
import { METRICS } from '../../result/catalogue.js';
import { VERSION } from '../../result/version.js';
import type { Gate } from '../gate.js';
import { type LocatedFault, locatedFaults, subjectOf } from './faults.js';

/** Rule of faults without a metric. */
const SCENARIO_RULE = 'scenario';

/** SARIF 2.1.0 (OASIS): a result per fault, at the broken budget's line. */
export const sarifFormat: Format<Gate> = {
  name: 'sarif',
  extensions: ['.sarif'],
  render: (gate) => toJson(sarifLog(locatedFaults(gate))),
};

function sarifLog(faults: readonly LocatedFault[]): unknown {
  const ids = [...new Set(faults.map(ruleOf))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'moeprof',
            semanticVersion: VERSION,
            rules: ids.map((id) => ({ id, shortDescription: { text: METRICS.get(id)?.meaning ?? 'A budget of moeprof compare.' } })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: faults.map((fault) => ({
          ruleId: ruleOf(fault),
          ruleIndex: ids.indexOf(ruleOf(fault)),
          level: fault.level === 'error' ? 'error' : 'warning',
          message: { text: `${subjectOf(fault)} ${fault.message}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(fault.place.file) },
                region: { startLine: fault.place.line, startColumn: fault.place.column },
              },
            },
          ],
          partialFingerprints: { 'moeprofFault/v1': fingerprint(fault) },
        })),
      },
    ],
  };
}

const ruleOf = ({ metric }: LocatedFault): string => metric ?? SCENARIO_RULE;

/** Stable between runs: independent of figures. */
const fingerprint = ({ scenario, metric, budget }: LocatedFault): string =>
  newSha256()
    .update(JSON.stringify([scenario, metric, budget?.text ?? null]))
    .digest('hex')
    .slice(0, 32);

function uriOf(file: string): string {
  const path = printable(file).replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}
