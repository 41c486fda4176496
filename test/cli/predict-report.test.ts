// What `predict eval` and `predict train` write: CSV with a row per predictor and trace, Markdown with the same grids as the table.
import { describe, expect, it } from 'vitest';
import {
  EVALUATION_SCHEMA,
  type EvaluationReport,
  evaluationReports,
  TRAINING_SCHEMA,
  trainingReports,
} from '../../src/cli/predict-report.js';
import type { Score } from '../../src/predict/evaluation/score.js';

const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };

const score = (recall: number): Score => ({
  tokens: 10,
  recallAtK: recall,
  recallAt2K: recall + 0.1,
  recallAtKByLayer: [recall, null],
  recallAt2KByLayer: [recall + 0.1, null],
  recallAtKByPhase: { prefill: recall - 0.125, decode: null },
  precision: 0.75,
  recall: 0.5,
  named: 3,
  calibrationError: 0.0625,
  reliability: [{ from: 0.1, to: 0.2, predictions: 1234, probability: 0.15, frequency: 0.25 }],
});

const trace = { path: 'test.npz', sha256: 'a', tokens: 1000 };
const head = {
  tool: { name: 'moeprof', version: '0.0.0' },
  model: { name: 'm', layers: 2, experts: 8, topK: 2 },
  training: [{ path: 'train.npz', sha256: 'b', tokens: 4000 }],
  seed: 1,
  evaluations: [
    {
      trace,
      options: { distances: [1], batch: 16, every: 1, minProbability: 0.15 },
      predictors: [
        {
          predictor: 'table',
          before: score(0.5),
          ahead: [{ distance: 1, score: score(0.625) }],
          batch: {
            recall: 0.75,
            precision: 1,
            demanded: 40.25,
            expected: { named: 30.5, recall: 0.5, precision: 0.875 },
            atTrueSize: 0.625,
          },
        },
        { predictor: 'late, "gate"', before: null, ahead: [{ distance: 1, score: score(0.25) }], batch: null },
      ],
      unjudged: [{ predictor: 'gate', reason: 'predictor gate: needs predictions, which test.npz does not carry' }],
    },
  ],
  environment: { predictNs: [{ trace: 'test.npz', predictor: 'table', before: 1500, during: null, learning: 20 }] },
} as unknown as Omit<EvaluationReport, 'schema'>;
const evaluation: EvaluationReport = { schema: EVALUATION_SCHEMA, ...head };

const [table, json, csv, markdown] = evaluationReports;
const FORMATS = { table, json, csv, markdown };

function render(name: keyof typeof FORMATS, verbose = false): string {
  return FORMATS[name].render(evaluation, { ...OPTIONS, verbose });
}

describe('reports of predict eval', () => {
  it('CSV has a row for each predictor on each trace', () => {
    expect(render('csv')).toBe(
      'trace,predictor,recall_at_k,recall_at_2k,recall_1_ahead,batch_recall,batch_precision,batch_expected_names,batch_expected_recall,' +
        'batch_expected_precision,batch_sized_recall,precision,calibration_error,recall_at_k_prefill,recall_at_k_decode\n' +
        'test.npz,table,0.5,0.6,0.625,0.75,1,30.5,0.5,0.875,0.625,0.75,0.0625,0.375,\n' +
        'test.npz,"late, ""gate""",,,0.25,,,,,,,0.75,0.0625,0.125,\n',
    );
  });

  it('Markdown has the grids of the table', () => {
    const text = render('markdown');
    expect(text).toMatch(/^## path prediction, m \(2 layers x 8 experts, top-2\)\n\nlearned from train\.npz \(4,000 tokens\)\.\n/);
    expect(text).toContain('**judged on test.npz (1,000 tokens)**\n\n| predictor | @2 | @4 | +1 | prec. | calib. |\n');
    expect(text).toContain('| table | .500 | .600 | .625 | .750 | .063 |\n| late, "gate" | - | - | .250 | .750 | .063 |\n');
    expect(text).toContain(
      '**unions of 16 tokens (40.3 experts a layer), and time a token**\n\n| predictor | names | recall | prec. | sized | before | during | learning |\n',
    );
    expect(text).toContain('| table | 30.5 | .500 | .875 | .625 | 1.50 us | - | 20 ns |\n| late, "gate" | - | - | - | - | - | - | - |\n');
  });

  it('a predictor that the trace does not suffice for is told beside the others', () => {
    expect(render('table').replace(/\s+/g, ' ')).toContain('not judged: predictor gate: needs predictions, which test.npz does not carry');
  });

  it('the table has layers and reliability where everything is asked for', () => {
    expect(render('table')).not.toContain('by layer\n');
    const text = render('table', true);
    expect(text).toContain(
      'table, by layer\nlayer    @k   @2k    +1\n───────────────────────\n0      .500  .600  .625\n1         -     -     -\n',
    );
    expect(text).toContain(
      'table, by phase\n                    @k\n──────────────────────\nprompt tokens     .375\ngenerated tokens     -\n',
    );
    expect(text).toContain('0.1-0.2            1,234  .150       .250\n');
    expect(text).toContain('late, "gate", reliability one layer ahead\n');
  });
});

describe('reports of predict train', () => {
  it('mark the epoch that was kept', () => {
    const trained = {
      ...{ bestEpoch: 2, bytes: 4096, heldOut: 10, learned: 90, parameters: 1000, tokenIds: false },
      epochs: [
        { epoch: 1, loss: 0.5, heldOutLoss: 0.75 },
        { epoch: 2, loss: 0.25, heldOutLoss: 0.5 },
      ],
    };
    const network = 'One hidden layer of 32, rank 8, without token ids';
    const report = { schema: TRAINING_SCHEMA, ...head, options: {}, network, trained } as unknown as Parameters<
      (typeof trainingReports)[0]['render']
    >[0];
    const text = trainingReports[0].render(report, { ...OPTIONS, unicode: false });
    expect(text).toContain('    1  0.50000   0.75000\n    2  0.25000   0.50000  <- best\n');
    expect(text.replace(/\s+/g, ' ')).toContain('One hidden layer of 32, rank 8, without token ids: 1,000 parameters, 4.00 KiB.');
  });
});
